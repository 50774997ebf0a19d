"""GitHub's hosts as a release meets them: API, uploads, release pages and the asset host, over one store."""
