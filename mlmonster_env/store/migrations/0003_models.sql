-- Models, their versions, which of them is where, and everything that ever moved.

CREATE TABLE ml_models (
    archetype text NOT NULL,
    model_type text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (archetype, model_type)
);

CREATE TABLE ml_model_versions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    archetype text NOT NULL,
    model_type text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    onnx_path text NOT NULL,
    bundle_path text,
    size text,
    precision text CHECK (precision IN ('fp32', 'fp16')),
    manifest jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    validation_metric double precision,
    -- Only these change.
    performance_score double precision,
    known_good boolean NOT NULL DEFAULT false,  -- cannot be deleted
    pinned boolean NOT NULL DEFAULT false,  -- neither
    active boolean NOT NULL DEFAULT false,  -- whether the production slot points here; kept by the slots themselves
    deployed_at timestamptz,  -- when it last came into production
    UNIQUE (archetype, model_type, version),
    UNIQUE (archetype, model_type, content_hash),
    FOREIGN KEY (archetype, model_type) REFERENCES ml_models
);
CREATE UNIQUE INDEX ml_model_versions_active ON ml_model_versions (archetype, model_type) WHERE active;

-- What a content hash was measured to be worth; never a name.
CREATE TABLE ml_model_scores (
    content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    measure text NOT NULL,
    score double precision NOT NULL,
    error double precision,
    evidence jsonb NOT NULL DEFAULT '{}',
    measured_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (content_hash, measure, measured_at)
);

CREATE TABLE ml_model_slots (
    archetype text NOT NULL,
    model_type text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('development', 'staging', 'production')),
    version integer NOT NULL,
    previous integer,
    -- Counts moves: who moves a slot names the epoch that he saw, who fills one that was emptied goes on counting.
    epoch bigint NOT NULL DEFAULT 1,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (archetype, model_type, stage),
    FOREIGN KEY (archetype, model_type, version) REFERENCES ml_model_versions (archetype, model_type, version),
    FOREIGN KEY (archetype, model_type, previous) REFERENCES ml_model_versions (archetype, model_type, version)
);

CREATE TABLE ml_model_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    archetype text NOT NULL,
    model_type text NOT NULL,
    action text NOT NULL
        CHECK (action IN ('register', 'promote', 'force', 'rollback', 'withdraw', 'pin', 'unpin', 'delete')),
    stage text CHECK (stage IN ('development', 'staging', 'production')),
    from_version integer,
    to_version integer,
    epoch bigint,  -- of the slot, after the move
    reason text,
    evidence jsonb NOT NULL DEFAULT '{}',
    actor text,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (archetype, model_type) REFERENCES ml_models,
    CHECK ((stage IS NULL) = (epoch IS NULL)),
    CHECK (action <> 'force' OR length(reason) > 0)
);
CREATE UNIQUE INDEX ml_model_history_moves ON ml_model_history (archetype, model_type, stage, epoch)
    WHERE stage IS NOT NULL;

CREATE FUNCTION ml_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % was refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER ml_model_history_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ml_model_history
    FOR EACH STATEMENT EXECUTE FUNCTION ml_refuse('history only grows');
CREATE TRIGGER ml_model_scores_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON ml_model_scores
    FOR EACH STATEMENT EXECUTE FUNCTION ml_refuse('scores only grow');
CREATE TRIGGER ml_model_versions_not_emptied BEFORE TRUNCATE ON ml_model_versions
    FOR EACH STATEMENT EXECUTE FUNCTION ml_refuse('versions are deleted one by one');
CREATE TRIGGER ml_model_slots_not_emptied BEFORE TRUNCATE ON ml_model_slots
    FOR EACH STATEMENT EXECUTE FUNCTION ml_refuse('slots are moved one by one');

CREATE FUNCTION ml_model_version_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.known_good OR OLD.pinned OR OLD.active THEN
            RAISE EXCEPTION '%/% version % is known good, pinned or active, expected one that is none of these',
                OLD.archetype, OLD.model_type, OLD.version USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF (to_jsonb(NEW) - '{performance_score,known_good,pinned,active,deployed_at}'::text[])
        IS DISTINCT FROM (to_jsonb(OLD) - '{performance_score,known_good,pinned,active,deployed_at}'::text[]) THEN
        RAISE EXCEPTION '%/% version % never changes, expected a new version',
            OLD.archetype, OLD.model_type, OLD.version USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ml_model_versions_keep BEFORE UPDATE OR DELETE ON ml_model_versions
    FOR EACH ROW EXECUTE FUNCTION ml_model_version_keeps();

-- A slot's epoch goes up by one with each move; the production slot says which version is active.
CREATE FUNCTION ml_model_slot_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place ml_model_slots := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.archetype, NEW.model_type, NEW.stage) <> (OLD.archetype, OLD.model_type, OLD.stage) THEN
        RAISE EXCEPTION 'slot %/% % cannot become another one', OLD.archetype, OLD.model_type, OLD.stage
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.epoch <> OLD.epoch + 1 THEN
        RAISE EXCEPTION 'slot %/% % moves to epoch %, expected %', OLD.archetype, OLD.model_type, OLD.stage, NEW.epoch,
            OLD.epoch + 1 USING ERRCODE = 'restrict_violation';
    END IF;
    IF place.stage = 'production' THEN
        UPDATE ml_model_versions SET active = false
            WHERE archetype = place.archetype AND model_type = place.model_type AND active
                AND (TG_OP = 'DELETE' OR version <> place.version);
        IF TG_OP <> 'DELETE' THEN
            UPDATE ml_model_versions SET active = true, deployed_at = now()
                WHERE archetype = place.archetype AND model_type = place.model_type AND version = place.version;
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ml_model_slots_move AFTER INSERT OR UPDATE OR DELETE ON ml_model_slots
    FOR EACH ROW EXECUTE FUNCTION ml_model_slot_moves();

-- At the end of its transaction every move stands in the history.
CREATE FUNCTION ml_model_move_is_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place ml_model_slots := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM ml_model_history AS told
        WHERE (told.archetype, told.model_type, told.stage) = (place.archetype, place.model_type, place.stage)
            AND told.epoch = place.epoch + (TG_OP = 'DELETE')::integer
            AND told.to_version IS NOT DISTINCT FROM CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE place.version END
    ) THEN
        RAISE EXCEPTION 'slot %/% % moved to version % at epoch %, and the history does not say so', place.archetype,
            place.model_type, place.stage, place.version, place.epoch USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ml_model_slots_told AFTER INSERT OR UPDATE OR DELETE ON ml_model_slots
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ml_model_move_is_told();
