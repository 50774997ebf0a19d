"""The rehearsal database's schema and rows: the service's tables with plausible columns, a few thousand rows (contracts: database)."""

from __future__ import annotations

SCHEMA = """
CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  hardware_id_hash varchar(64) NOT NULL UNIQUE,
  is_active boolean NOT NULL DEFAULT true,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id),
  status varchar(20) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'closed', 'interrupted')),
  app_version varchar(40),
  start_time timestamptz NOT NULL DEFAULT now(),
  end_time timestamptz
);
CREATE INDEX sessions_by_user ON sessions (user_id, start_time DESC);

CREATE TABLE commands (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id uuid NOT NULL REFERENCES sessions (id),
  prompt text NOT NULL,
  language varchar(10) NOT NULL DEFAULT 'en',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX commands_by_session ON commands (session_id);

CREATE TABLE llm_answers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  command_id uuid NOT NULL REFERENCES commands (id),
  response text NOT NULL,
  model_info jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE token_usage (
  id bigserial PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id),
  command_id uuid REFERENCES commands (id),
  model varchar(60) NOT NULL,
  input_tokens integer NOT NULL CHECK (input_tokens >= 0),
  output_tokens integer NOT NULL CHECK (output_tokens >= 0),
  total_tokens integer GENERATED ALWAYS AS (input_tokens + output_tokens) STORED,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX token_usage_by_user ON token_usage (user_id, created_at);

CREATE TABLE screenshots (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id uuid NOT NULL REFERENCES sessions (id),
  file_path text NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE performance_metrics (
  id bigserial PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions (id),
  metric_type varchar(40) NOT NULL,
  metric_value jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE subscriptions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users (id),
  plan varchar(40) NOT NULL,
  status varchar(20) NOT NULL DEFAULT 'active',
  current_period_end timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER subscriptions_touch BEFORE UPDATE ON subscriptions FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE subscription_events (
  id bigserial PRIMARY KEY,
  subscription_id uuid NOT NULL REFERENCES subscriptions (id),
  event_type varchar(60) NOT NULL,
  payload jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE payments (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  subscription_id uuid NOT NULL REFERENCES subscriptions (id),
  amount_cents integer NOT NULL CHECK (amount_cents > 0),
  currency char(3) NOT NULL DEFAULT 'USD',
  status varchar(20) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
"""

ROWS = """
INSERT INTO users (hardware_id_hash, is_active, metadata, created_at)
SELECT encode(sha256(convert_to('device ' || n, 'UTF8')), 'hex'), n % 17 <> 0,
  jsonb_build_object('locale', (ARRAY['en', 'ru', 'de'])[1 + n % 3]), now() - n * interval '7 hours'
FROM generate_series(1, 240) AS n;

INSERT INTO sessions (user_id, status, app_version, start_time, end_time)
SELECT id, CASE WHEN k = 3 THEN 'active' ELSE 'closed' END, '1.6.1.' || 38 + k, created_at + k * interval '1 hour',
  CASE WHEN k < 3 THEN created_at + k * interval '1 hour' + interval '20 minutes' END
FROM users CROSS JOIN generate_series(1, 3) AS k;

INSERT INTO commands (session_id, prompt, language, created_at)
SELECT id, (ARRAY['what is on my screen?', 'прочитай письмо', E'open "Notes"; then\\twrite'])[k], (ARRAY['en', 'ru', 'en'])[k],
  start_time + k * interval '1 minute'
FROM sessions CROSS JOIN generate_series(1, 2) AS k;

INSERT INTO llm_answers (command_id, response, model_info, created_at)
SELECT id, 'Answer to: ' || prompt, '{"model": "gemini"}', created_at + interval '2 seconds' FROM commands;

INSERT INTO token_usage (user_id, command_id, model, input_tokens, output_tokens, created_at)
SELECT s.user_id, c.id, 'gemini', 200 + length(c.prompt), 40 + length(c.prompt) % 11, c.created_at
FROM commands c JOIN sessions s ON s.id = c.session_id;

INSERT INTO screenshots (session_id, file_path, created_at)
SELECT id, '/var/lib/nexy/screenshots/' || id || '.jpg', start_time FROM sessions WHERE status = 'closed';

INSERT INTO performance_metrics (session_id, metric_type, metric_value, created_at)
SELECT id, 'latency', jsonb_build_object('ms', 90 + extract(minute FROM start_time)::int), start_time FROM sessions;

INSERT INTO subscriptions (user_id, plan, current_period_end)
SELECT id, 'monthly', now() + interval '20 days' FROM users ORDER BY hardware_id_hash LIMIT 60;

INSERT INTO subscription_events (subscription_id, event_type, payload)
SELECT id, kind, '{"source": "rehearsal"}' FROM subscriptions CROSS JOIN unnest(ARRAY['created', 'renewed']) AS kind;

INSERT INTO payments (subscription_id, amount_cents, status)
SELECT id, 999, 'succeeded' FROM subscriptions CROSS JOIN generate_series(1, 2);
"""
