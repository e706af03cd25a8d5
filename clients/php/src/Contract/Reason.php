<?php

declare(strict_types=1);

namespace Howdah\Client\Contract;

use Howdah\Client\Code;

/** Why a call or a job can fail, as the contract lists it. Written by tools/contract.php; do not edit. */
enum Reason: string
{
    case Internal = 'INTERNAL';
    case CredentialsMissing = 'CREDENTIALS_MISSING';
    case SignatureMalformed = 'SIGNATURE_MALFORMED';
    case SignatureInvalid = 'SIGNATURE_INVALID';
    case TimestampSkew = 'TIMESTAMP_SKEW';
    case NonceReplayed = 'NONCE_REPLAYED';
    case CredentialExpired = 'CREDENTIAL_EXPIRED';
    case CredentialRevoked = 'CREDENTIAL_REVOKED';
    case TokenInvalid = 'TOKEN_INVALID';
    case TokenExpired = 'TOKEN_EXPIRED';
    case AuthStoreUnavailable = 'AUTH_STORE_UNAVAILABLE';
    case TenantMissing = 'TENANT_MISSING';
    case TenantInvalid = 'TENANT_INVALID';
    case TenantNotAllowed = 'TENANT_NOT_ALLOWED';
    case PermissionMissing = 'PERMISSION_MISSING';
    case MetadataInvalid = 'METADATA_INVALID';
    case MessageUnreadable = 'MESSAGE_UNREADABLE';
    case FieldsInvalid = 'FIELDS_INVALID';
    case PageTokenInvalid = 'PAGE_TOKEN_INVALID';
    case IdempotencyKeyMissing = 'IDEMPOTENCY_KEY_MISSING';
    case IdempotencyKeyReused = 'IDEMPOTENCY_KEY_REUSED';
    case RequestInProgress = 'REQUEST_IN_PROGRESS';
    case RateLimited = 'RATE_LIMITED';
    case NodeOverloaded = 'NODE_OVERLOADED';
    case NodeDraining = 'NODE_DRAINING';
    case StoreUnavailable = 'STORE_UNAVAILABLE';
    case FileStoreUnavailable = 'FILE_STORE_UNAVAILABLE';
    case DeadlineExceeded = 'DEADLINE_EXCEEDED';
    case TenantQueueFull = 'TENANT_QUEUE_FULL';
    case ResourceNotFound = 'RESOURCE_NOT_FOUND';
    case ResourceExists = 'RESOURCE_EXISTS';
    case JobNotRetryable = 'JOB_NOT_RETRYABLE';
    case JobBroken = 'JOB_BROKEN';
    case JobTimedOut = 'JOB_TIMED_OUT';
    case JobExpired = 'JOB_EXPIRED';
    case WorkerCrashed = 'WORKER_CRASHED';
    case FileNotReady = 'FILE_NOT_READY';
    case FileTooLarge = 'FILE_TOO_LARGE';
    case UploadOffsetMismatch = 'UPLOAD_OFFSET_MISMATCH';
    case UploadCompleted = 'UPLOAD_COMPLETED';
    case UploadIncomplete = 'UPLOAD_INCOMPLETE';
    case UploadChecksumMismatch = 'UPLOAD_CHECKSUM_MISMATCH';
    case ImportMappingInvalid = 'IMPORT_MAPPING_INVALID';
    case ImportFileUnreadable = 'IMPORT_FILE_UNREADABLE';
    case MethodUnknown = 'METHOD_UNKNOWN';
    case AnswerTooLarge = 'ANSWER_TOO_LARGE';
    case CustomerHasInvoices = 'CUSTOMER_HAS_INVOICES';
    case TenantLimitReached = 'TENANT_LIMIT_REACHED';
    case JobKindUnknown = 'JOB_KIND_UNKNOWN';
    case JobExists = 'JOB_EXISTS';
    case JobOutOfMemory = 'JOB_OUT_OF_MEMORY';
    case JobChainBroken = 'JOB_CHAIN_BROKEN';
    case WebhookAddressRefused = 'WEBHOOK_ADDRESS_REFUSED';
    case WebhookUndelivered = 'WEBHOOK_UNDELIVERED';
    case WebhookEndpointDisabled = 'WEBHOOK_ENDPOINT_DISABLED';

    /** Reason => status, whether trying again can help, English and German text. */
    private const CATALOGUE = [
        'INTERNAL' => ['INTERNAL', false, 'Something broke in the node. The correlation id finds it in the log.', 'Im Node ist etwas schiefgegangen. Im Protokoll ist es unter der Korrelations-ID zu finden.'],
        'CREDENTIALS_MISSING' => ['UNAUTHENTICATED', false, 'The call carries neither a signature nor a bearer token.', 'Der Aufruf trägt weder eine Signatur noch ein Bearer-Token.'],
        'SIGNATURE_MALFORMED' => ['UNAUTHENTICATED', false, 'The signature or one of the values it covers does not have the required form.', 'Die Signatur oder einer der Werte, die sie abdeckt, hat nicht die verlangte Form.'],
        'SIGNATURE_INVALID' => ['UNAUTHENTICATED', false, 'The signature does not match the call, or the credential is not known.', 'Die Signatur passt nicht zum Aufruf, oder die Zugangsdaten sind nicht bekannt.'],
        'TIMESTAMP_SKEW' => ['UNAUTHENTICATED', true, 'The timestamp is more than 60 seconds from the server\'s clock.', 'Der Zeitstempel weicht um mehr als 60 Sekunden von der Uhr des Servers ab.'],
        'NONCE_REPLAYED' => ['UNAUTHENTICATED', false, 'The nonce was used before.', 'Die Nonce wurde schon einmal verwendet.'],
        'CREDENTIAL_EXPIRED' => ['UNAUTHENTICATED', false, 'The credential has ended or has not begun.', 'Die Zugangsdaten sind abgelaufen oder gelten noch nicht.'],
        'CREDENTIAL_REVOKED' => ['UNAUTHENTICATED', false, 'The credential was revoked.', 'Die Zugangsdaten wurden widerrufen.'],
        'TOKEN_INVALID' => ['UNAUTHENTICATED', false, 'The bearer token cannot be verified.', 'Das Bearer-Token lässt sich nicht prüfen.'],
        'TOKEN_EXPIRED' => ['UNAUTHENTICATED', false, 'The bearer token has ended.', 'Das Bearer-Token ist abgelaufen.'],
        'AUTH_STORE_UNAVAILABLE' => ['UNAVAILABLE', true, 'The node cannot check the caller now.', 'Der Node kann den Aufrufer zurzeit nicht prüfen.'],
        'TENANT_MISSING' => ['INVALID_ARGUMENT', false, 'The method needs `x-tenant-id`.', 'Die Methode braucht `x-tenant-id`.'],
        'TENANT_INVALID' => ['INVALID_ARGUMENT', false, 'The tenant id does not have the required form.', 'Die Mandanten-ID hat nicht die verlangte Form.'],
        'TENANT_NOT_ALLOWED' => ['PERMISSION_DENIED', false, 'The credential may not act for this tenant.', 'Die Zugangsdaten gelten nicht für diesen Mandanten.'],
        'PERMISSION_MISSING' => ['PERMISSION_DENIED', false, 'None of the caller\'s roles grants the permission the method needs.', 'Keine der Rollen des Aufrufers erlaubt, was die Methode verlangt.'],
        'METADATA_INVALID' => ['INVALID_ARGUMENT', false, 'A metadata value does not have the required form.', 'Ein Metadatenwert hat nicht die verlangte Form.'],
        'MESSAGE_UNREADABLE' => ['INVALID_ARGUMENT', false, 'The request is not a message of the type the method takes.', 'Die Anfrage ist keine Nachricht des Typs, den die Methode erwartet.'],
        'FIELDS_INVALID' => ['INVALID_ARGUMENT', false, 'Fields of the request break the rules of the contract.', 'Felder der Anfrage verletzen die Regeln des Vertrags.'],
        'PAGE_TOKEN_INVALID' => ['INVALID_ARGUMENT', false, 'The page token was not made by this method for this request.', 'Das Seiten-Token stammt nicht von dieser Methode und dieser Anfrage.'],
        'IDEMPOTENCY_KEY_MISSING' => ['INVALID_ARGUMENT', false, 'The method needs an idempotency key.', 'Die Methode braucht einen Idempotenzschlüssel.'],
        'IDEMPOTENCY_KEY_REUSED' => ['INVALID_ARGUMENT', false, 'The idempotency key was used before with another request.', 'Der Idempotenzschlüssel wurde schon für eine andere Anfrage verwendet.'],
        'REQUEST_IN_PROGRESS' => ['ABORTED', true, 'A call with the same idempotency key is still running.', 'Ein Aufruf mit demselben Idempotenzschlüssel läuft noch.'],
        'RATE_LIMITED' => ['RESOURCE_EXHAUSTED', true, 'The tenant has used up its calls for now.', 'Der Mandant hat seine Aufrufe vorerst verbraucht.'],
        'NODE_OVERLOADED' => ['RESOURCE_EXHAUSTED', true, 'The node has as many calls as it can take.', 'Der Node hat so viele Aufrufe, wie er annehmen kann.'],
        'NODE_DRAINING' => ['UNAVAILABLE', true, 'The node is shutting down; another one or its successor answers.', 'Der Node fährt herunter; ein anderer oder sein Nachfolger antwortet.'],
        'STORE_UNAVAILABLE' => ['UNAVAILABLE', true, 'The node cannot reach its database.', 'Der Node erreicht seine Datenbank nicht.'],
        'FILE_STORE_UNAVAILABLE' => ['UNAVAILABLE', true, 'The node cannot reach its file storage, or it is full.', 'Der Node erreicht seinen Dateispeicher nicht, oder dieser ist voll.'],
        'DEADLINE_EXCEEDED' => ['DEADLINE_EXCEEDED', true, 'The call\'s deadline passed before the work was done; nothing was stored.', 'Die Frist des Aufrufs lief ab, bevor die Arbeit getan war; gespeichert wurde nichts.'],
        'TENANT_QUEUE_FULL' => ['RESOURCE_EXHAUSTED', true, 'The tenant has as many waiting jobs as it may have.', 'Der Mandant hat so viele wartende Aufträge, wie er haben darf.'],
        'RESOURCE_NOT_FOUND' => ['NOT_FOUND', false, 'There is no such resource in this tenant.', 'Das Gesuchte gibt es bei diesem Mandanten nicht.'],
        'RESOURCE_EXISTS' => ['ALREADY_EXISTS', false, 'A resource with this id exists.', 'Unter dieser ID gibt es schon etwas.'],
        'JOB_NOT_RETRYABLE' => ['FAILED_PRECONDITION', false, 'The job is in a state from which it cannot be retried.', 'Der Auftrag ist in einem Zustand, aus dem er nicht wiederholt werden kann.'],
        'JOB_BROKEN' => ['INTERNAL', true, 'An attempt of the job broke. The correlation id finds it in the log.', 'Ein Versuch des Auftrags ist gescheitert. Im Protokoll ist er unter der Korrelations-ID zu finden.'],
        'JOB_TIMED_OUT' => ['DEADLINE_EXCEEDED', true, 'An attempt of the job took longer than its kind may.', 'Ein Versuch des Auftrags dauerte länger, als seine Art es darf.'],
        'JOB_EXPIRED' => ['DEADLINE_EXCEEDED', false, 'The job was not started in time.', 'Der Auftrag wurde nicht rechtzeitig begonnen.'],
        'WORKER_CRASHED' => ['UNAVAILABLE', true, 'The worker died under the job.', 'Der Worker ist während des Auftrags abgestürzt.'],
        'FILE_NOT_READY' => ['FAILED_PRECONDITION', false, 'The file\'s upload is not complete.', 'Die Datei ist noch nicht vollständig hochgeladen.'],
        'FILE_TOO_LARGE' => ['INVALID_ARGUMENT', false, 'The file is larger than the node takes.', 'Die Datei ist größer, als der Node annimmt.'],
        'UPLOAD_OFFSET_MISMATCH' => ['FAILED_PRECONDITION', true, 'The offset is not where the upload stands; `expected_offset` is.', 'Der Offset ist nicht der Stand des Uploads; dieser steht in `expected_offset`.'],
        'UPLOAD_COMPLETED' => ['FAILED_PRECONDITION', false, 'The upload is complete and takes no more bytes.', 'Der Upload ist vollständig und nimmt keine Bytes mehr an.'],
        'UPLOAD_INCOMPLETE' => ['FAILED_PRECONDITION', false, 'Fewer or more bytes have arrived than the size that was named.', 'Es sind weniger oder mehr Bytes angekommen, als die genannte Größe besagt.'],
        'UPLOAD_CHECKSUM_MISMATCH' => ['FAILED_PRECONDITION', false, 'The content does not have the SHA-256 that was named.', 'Der Inhalt hat nicht den genannten SHA-256.'],
        'IMPORT_MAPPING_INVALID' => ['INVALID_ARGUMENT', false, 'The mapping cannot make invoices.', 'Aus der Zuordnung lassen sich keine Rechnungen bilden.'],
        'IMPORT_FILE_UNREADABLE' => ['FAILED_PRECONDITION', false, 'The file is not of the form the mapping names.', 'Die Datei hat nicht die Form, die die Zuordnung nennt.'],
        'METHOD_UNKNOWN' => ['UNIMPLEMENTED', false, 'The node has no such method.', 'Der Node hat keine solche Methode.'],
        'ANSWER_TOO_LARGE' => ['FAILED_PRECONDITION', false, 'The answer is larger than a message may be.', 'Die Antwort ist größer, als eine Nachricht sein darf.'],
        'CUSTOMER_HAS_INVOICES' => ['FAILED_PRECONDITION', false, 'Invoices name the customer, so it cannot be deleted.', 'Rechnungen nennen den Kunden, daher kann er nicht gelöscht werden.'],
        'TENANT_LIMIT_REACHED' => ['RESOURCE_EXHAUSTED', false, 'The tenant has as many of these as it may have.', 'Der Mandant hat davon so viele, wie er haben darf.'],
        'JOB_KIND_UNKNOWN' => ['INVALID_ARGUMENT', false, 'There is no such kind of job, or callers cannot submit it.', 'Diese Art von Auftrag gibt es nicht, oder Aufrufer können sie nicht einreichen.'],
        'JOB_EXISTS' => ['ALREADY_EXISTS', false, 'A job with this unique key has not ended yet.', 'Ein Auftrag mit diesem Schlüssel ist noch nicht beendet.'],
        'JOB_OUT_OF_MEMORY' => ['RESOURCE_EXHAUSTED', true, 'An attempt of the job needed more memory than its kind may.', 'Ein Versuch des Auftrags brauchte mehr Speicher, als seine Art es darf.'],
        'JOB_CHAIN_BROKEN' => ['FAILED_PRECONDITION', false, 'The job before this one was cancelled or is gone.', 'Der Auftrag vor diesem wurde abgebrochen, oder es gibt ihn nicht mehr.'],
        'WEBHOOK_ADDRESS_REFUSED' => ['INVALID_ARGUMENT', false, 'The node does not send to this address.', 'An diese Adresse sendet der Node nicht.'],
        'WEBHOOK_UNDELIVERED' => ['UNAVAILABLE', true, 'The endpoint did not take the message.', 'Der Webhook-Endpunkt hat die Nachricht nicht angenommen.'],
        'WEBHOOK_ENDPOINT_DISABLED' => ['FAILED_PRECONDITION', false, 'The webhook endpoint is disabled.', 'Der Webhook-Endpunkt ist abgeschaltet.'],
    ];

    /** The status it comes with. */
    public function code(): Code
    {
        return Code::named(self::CATALOGUE[$this->value][0]);
    }

    /** Tells whether trying again, unchanged, can help. */
    public function isRetryable(): bool
    {
        return self::CATALOGUE[$this->value][1];
    }

    /**
     * What it means, in a sentence.
     *
     * @param string $language `de`; English for every other one
     */
    public function text(string $language = 'en'): string
    {
        return self::CATALOGUE[$this->value][str_starts_with(strtolower($language), 'de') ? 3 : 2];
    }

    /** Its name in catalogues of messages, such as `howdah.fields_invalid`. */
    public function messageKey(): string
    {
        return 'howdah.' . strtolower($this->value);
    }
}
