-- A move of a slot is told by the newest line of its history: an older one that says the same is not its own.
CREATE OR REPLACE FUNCTION ml_model_move_is_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place ml_model_slots := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM ml_model_history AS told
        WHERE (told.archetype, told.model_type, told.stage) = (place.archetype, place.model_type, place.stage)
            AND told.epoch = place.epoch + (TG_OP = 'DELETE')::integer
            AND told.to_version IS NOT DISTINCT FROM CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE place.version END
            AND told.epoch = (
                SELECT max(newest.epoch) FROM ml_model_history AS newest
                WHERE (newest.archetype, newest.model_type, newest.stage)
                    = (place.archetype, place.model_type, place.stage)
            )
    ) THEN
        RAISE EXCEPTION 'slot %/% % moved to version % at epoch %, and the newest line of the history does not say so',
            place.archetype, place.model_type, place.stage, place.version, place.epoch
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
