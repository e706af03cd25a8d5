<?php

// Receives webhooks: create an endpoint for http://127.0.0.1:8000/ (the node has to allow the host), then
//   HOWDAH_WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:8000 clients/php/examples/webhook.php

declare(strict_types=1);

use Howdah\Client\Exception\WebhookRejected;
use Howdah\Client\Webhooks\Webhook;

require is_file(__DIR__ . '/../vendor/autoload.php') ? __DIR__ . '/../vendor/autoload.php' : __DIR__ . '/../tests/autoload.php';

try {
    $webhook = Webhook::verify((string) file_get_contents('php://input'), getallheaders(), (string) getenv('HOWDAH_WEBHOOK_SECRET'));
} catch (WebhookRejected $rejected) {
    error_log($rejected->getMessage());
    http_response_code(400);
    exit;
}

// It may come more than once: what is done about it is done once for each id.
error_log("$webhook->id $webhook->type " . json_encode($webhook->data, JSON_UNESCAPED_UNICODE));
http_response_code(204);
