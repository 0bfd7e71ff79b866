-- What a game server asks and what it is answered.

CREATE TABLE ai_requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    monster_id bigint NOT NULL,
    archetype text NOT NULL,
    model_type text NOT NULL,
    tick bigint NOT NULL DEFAULT 0,
    state_vector bytea NOT NULL CHECK (octet_length(state_vector) = 256),
    action_mask bytea,  -- a byte for each action, 1 where it is legal
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'claimed', 'answered', 'expired')),
    claimed_by text,
    claimed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ai_requests_waiting ON ai_requests (id) WHERE status = 'pending';
CREATE INDEX ai_requests_created_at ON ai_requests USING brin (created_at);

CREATE TABLE ai_responses (
    request_id bigint PRIMARY KEY REFERENCES ai_requests ON DELETE CASCADE,
    monster_id bigint NOT NULL,
    action integer NOT NULL,  -- 255: use the stock AI
    log_probability real,
    model_version text,
    reason text,  -- why it is 255
    latency_ms real,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ai_responses_created_at ON ai_responses USING brin (created_at);
