-- Lets an application that shares this Postgres server submit a job in a transaction of its own.
CREATE SCHEMA howdah;

-- Runs as the owner, bound to the tenant.
CREATE FUNCTION howdah.submit_once(kind text, key text, payload jsonb, run_at timestamptz)
RETURNS uuid LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    tenant constant text := current_setting('app.tenant_id');
    written constant text := submit_once.payload::text;
    mark constant bytea := sha256(convert_to(submit_once.kind || ' ' || written, 'UTF8'));
    -- UUID version 7: it sorts by time of submission.
    id constant uuid := encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
        substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid;
    limits job_limits;
    known job_kinds;
    before idempotency;
BEGIN
    IF NOT EXISTS (SELECT FROM tenants WHERE tenant_id = tenant) THEN
        RAISE EXCEPTION 'there is no tenant "%"', tenant
            USING ERRCODE = 'HW002', DETAIL = 'TENANT_INVALID';
    END IF;

    INSERT INTO idempotency (tenant_id, key_id, method, key, fingerprint, response, completed_at)
    VALUES (tenant, 'howdah.enqueue', 'howdah.enqueue', submit_once.key, mark, uuid_send(id), now())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO STRICT before FROM idempotency WHERE tenant_id = tenant
            AND key_id = 'howdah.enqueue' AND method = 'howdah.enqueue' AND key = submit_once.key;
        IF before.fingerprint <> mark THEN
            RAISE EXCEPTION 'the key "%" was used before with another kind or payload', before.key
                USING ERRCODE = 'HW003', DETAIL = 'IDEMPOTENCY_KEY_REUSED';
        END IF;
        RETURN encode(before.response, 'hex')::uuid;
    END IF;

    SELECT * INTO known FROM job_kinds WHERE name = submit_once.kind AND open;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no kind of job "%" that callers may submit', submit_once.kind
            USING ERRCODE = 'HW004', DETAIL = 'JOB_KIND_UNKNOWN';
    END IF;
    SELECT * INTO STRICT limits FROM job_limits;
    IF octet_length(written) > limits.max_job_payload_bytes THEN
        RAISE EXCEPTION 'the payload has % bytes, more than %',
            octet_length(written), limits.max_job_payload_bytes
            USING ERRCODE = 'HW001', DETAIL = 'FIELDS_INVALID';
    END IF;
    IF limits.max_waiting_jobs_per_tenant <= (
        SELECT count(*) FROM (SELECT FROM jobs WHERE tenant_id = tenant
            AND state IN ('held', 'queued', 'dispatched') AND queue <> 'webhooks'
            LIMIT limits.max_waiting_jobs_per_tenant) AS waiting
    ) THEN
        RAISE EXCEPTION 'the tenant has % jobs waiting already', limits.max_waiting_jobs_per_tenant
            USING ERRCODE = 'HW005', DETAIL = 'TENANT_QUEUE_FULL';
    END IF;

    INSERT INTO jobs (tenant_id, job_id, kind, kind_version, queue, priority, payload, run_at,
        max_attempts, key_id, roles, correlation_id)
    VALUES (tenant, id, known.name, known.version, known.queue, known.priority,
        submit_once.payload, GREATEST(now(), submit_once.run_at), known.max_attempts, 'howdah.enqueue', '{}',
        id::text);
    PERFORM pg_notify('howdah_jobs', known.queue);
    RETURN id;
END
$$;

-- Returns the id of the job, which exists where the caller's transaction commits. The same tenant
-- and key return the first job's id, for as long as the node keeps answers to repeated calls.
--
-- The owner's rights are needed to write, and row security binds the owner to the one tenant, for
-- as long as this function runs.
CREATE FUNCTION howdah.enqueue(
    kind    text,
    tenant  text,
    key     text,
    payload jsonb DEFAULT '{}',
    run_at  timestamptz DEFAULT now()
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    bound_before constant text := COALESCE(current_setting('app.tenant_id', true), '');
    id uuid;
BEGIN
    IF kind IS NULL OR tenant IS NULL OR key !~ '^[ -~]{1,255}$' IS NOT FALSE
        OR jsonb_typeof(payload) IS DISTINCT FROM 'object'
        OR run_at <= now() + interval '366 days' IS NOT TRUE THEN
        RAISE EXCEPTION 'kind, tenant, key, payload and run_at must be given, the key as 1 to 255'
            ' printable ASCII characters, the payload as a JSON object, run_at within a year'
            USING ERRCODE = 'HW001', DETAIL = 'FIELDS_INVALID';
    END IF;
    PERFORM set_config('app.tenant_id', tenant, true);
    id := howdah.submit_once(kind, key, payload, run_at);
    PERFORM set_config('app.tenant_id', bound_before, true);
    RETURN id;
END
$$;

REVOKE ALL ON FUNCTION howdah.submit_once(text, text, jsonb, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION howdah.enqueue(text, text, text, jsonb, timestamptz) FROM PUBLIC;
GRANT USAGE ON SCHEMA howdah TO howdah_enqueuer;
GRANT EXECUTE ON FUNCTION howdah.enqueue(text, text, text, jsonb, timestamptz) TO howdah_enqueuer;
