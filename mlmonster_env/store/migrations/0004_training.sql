-- What trained, how it went, and how the programs are.

CREATE TABLE ml_continuous_training_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    archetype text NOT NULL,
    model_type text NOT NULL,
    training_start timestamptz NOT NULL,
    training_end timestamptz,
    experiences_processed bigint NOT NULL DEFAULT 0,
    steps_taken bigint NOT NULL DEFAULT 0,
    validation_metric double precision,
    improvement_delta double precision,  -- over what is in production
    deployed boolean NOT NULL DEFAULT false,
    rollback boolean NOT NULL DEFAULT false,
    from_version integer,
    to_version integer,
    watermark text,  -- up to where experience was read
    reason text,
    evidence jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (archetype, model_type) REFERENCES ml_models
);
CREATE INDEX ml_continuous_training_log_recent ON ml_continuous_training_log (created_at DESC);

CREATE TABLE ml_training_progress (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run text NOT NULL,
    archetype text NOT NULL,
    model_type text NOT NULL,
    step bigint NOT NULL,
    total_steps bigint,
    measures jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (run, step),
    FOREIGN KEY (archetype, model_type) REFERENCES ml_models
);

CREATE TABLE ml_system_health (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    component text NOT NULL,
    status text NOT NULL CHECK (status IN ('ok', 'degraded', 'failed')),
    details jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ml_system_health_recent ON ml_system_health (component, created_at DESC);
