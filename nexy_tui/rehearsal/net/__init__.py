"""The sealed network: the front door, TLS, HTTP and the certificate authority."""
