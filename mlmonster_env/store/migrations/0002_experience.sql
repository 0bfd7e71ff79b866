-- What happened, by day: hypertables where TimescaleDB is installed, else partitions of which `maintain` takes care.
-- Vectors are 64 float32, least significant byte first. transaction_id is what readers page by: whoever reads only
-- below pg_snapshot_xmin(pg_current_snapshot()) misses no late commit. It and `timestamp` are the database's own.

CREATE SEQUENCE ml_episode_ids;

DO $$
DECLARE
    by_day text := CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN ''
        ELSE 'PARTITION BY RANGE (%I)' END;
BEGIN
    EXECUTE $table$
        CREATE TABLE ml_experience_replay (
            id bigserial NOT NULL,
            transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
            "timestamp" timestamptz NOT NULL DEFAULT now(),
            archetype text NOT NULL,
            model_type text NOT NULL,
            model_version text NOT NULL,
            monster_id bigint NOT NULL,
            episode_id bigint NOT NULL,
            tick bigint NOT NULL,
            action integer NOT NULL,
            log_probability real,
            reward real NOT NULL,
            done boolean NOT NULL,
            truncated boolean NOT NULL DEFAULT false,  -- done, but not by what happened: its time was over
            priority real NOT NULL DEFAULT 1 CHECK (priority >= 0),
            sample_count integer NOT NULL DEFAULT 0,
            state_vector bytea NOT NULL CHECK (octet_length(state_vector) = 256),
            next_state_vector bytea NOT NULL CHECK (octet_length(next_state_vector) = 256)
        ) $table$ || format(by_day, 'timestamp');

    EXECUTE $table$
        CREATE TABLE ml_episode_outcomes (
            id bigserial NOT NULL,
            "timestamp" timestamptz NOT NULL DEFAULT now(),
            archetype text NOT NULL,
            model_type text NOT NULL,
            model_version text NOT NULL,
            monster_id bigint NOT NULL,
            episode_id bigint NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('won', 'lost', 'drawn', 'cut')),  -- cut: it was not seen to its end
            survived boolean NOT NULL,
            steps integer NOT NULL CHECK (steps >= 0),
            duration_ms bigint NOT NULL,
            total_reward real NOT NULL,
            damage_dealt bigint,
            damage_taken bigint,
            kills integer
        ) $table$ || format(by_day, 'timestamp');

    EXECUTE $table$
        CREATE TABLE ai_request_log (
            id bigserial NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            request_id bigint,
            monster_id bigint NOT NULL,
            archetype text NOT NULL,
            model_type text NOT NULL,
            model_version text,
            action integer,
            status text NOT NULL,
            error text,
            latency_ms real,
            batch_size integer
        ) $table$ || format(by_day, 'created_at');
END $$;

CREATE INDEX ml_experience_replay_order ON ml_experience_replay (transaction_id, id);
CREATE INDEX ml_experience_replay_timestamp ON ml_experience_replay USING brin ("timestamp");
CREATE INDEX ml_episode_outcomes_recent ON ml_episode_outcomes (archetype, model_type, "timestamp");
CREATE INDEX ai_request_log_created_at ON ai_request_log USING brin (created_at);

-- A batch is written together with its token: who does not know whether a commit arrived looks for it.
CREATE TABLE ml_experience_batches (
    token uuid PRIMARY KEY,
    rows integer NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
