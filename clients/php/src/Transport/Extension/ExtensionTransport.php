<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Extension;

use Howdah\Client\Exception\TransportException;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Tls;
use Howdah\Client\Transport\Transport;

/**
 * gRPC on ext-grpc. It uses the classes of the extension alone, so that the very bytes that were signed are
 * sent. No test of this package runs it yet: the extension is not available where they run.
 */
final class ExtensionTransport implements Transport
{
    private ?\Grpc\Channel $channel = null;

    public function __construct(
        private readonly Endpoint $endpoint,
        private readonly Limits $limits,
        private readonly string $userAgent,
    ) {
        if (!extension_loaded('grpc')) {
            throw TransportException::because('The PHP extension grpc is not loaded: pecl install grpc, or use curl.');
        }
    }

    public function start(Request $request): Exchange
    {
        $deadline = $request->timeout === null
            ? \Grpc\Timeval::infFuture()
            : \Grpc\Timeval::now()->add(new \Grpc\Timeval((int) ceil($request->timeout * 1e6)));
        $call = new \Grpc\Call($this->channel(), $request->path, $deadline);
        $call->startBatch([
            \Grpc\OP_SEND_INITIAL_METADATA => $request->metadata,
            \Grpc\OP_SEND_MESSAGE => ['message' => $request->message],
            \Grpc\OP_SEND_CLOSE_FROM_CLIENT => true,
        ]);

        return new ExtensionExchange($call);
    }

    public function target(): string
    {
        return $this->endpoint->address;
    }

    public function close(): void
    {
        $this->channel?->close();
        $this->channel = null;
    }

    private function channel(): \Grpc\Channel
    {
        return $this->channel ??= new \Grpc\Channel(
            $this->endpoint->socketPath === null ? $this->endpoint->authority : 'unix:' . $this->endpoint->socketPath,
            [
                'credentials' => $this->credentials(),
                'grpc.primary_user_agent' => $this->userAgent,
                'grpc.max_send_message_length' => $this->limits->maxSendBytes,
                'grpc.max_receive_message_length' => $this->limits->maxReceiveBytes,
                // A repeated attempt must be signed anew, which only the layer above can do.
                'grpc.enable_retries' => 0,
            ],
        );
    }

    private function credentials(): ?\Grpc\ChannelCredentials
    {
        $tls = $this->endpoint->tls;

        return $tls === null ? \Grpc\ChannelCredentials::createInsecure() : \Grpc\ChannelCredentials::createSsl(
            self::pem($tls->authority),
            self::pem($tls->privateKey),
            self::pem($tls->certificate),
        );
    }

    private static function pem(#[\SensitiveParameter] ?string $pathOrPem): ?string
    {
        if ($pathOrPem === null || Tls::isPem($pathOrPem)) {
            return $pathOrPem;
        }
        $pem = @file_get_contents($pathOrPem);

        return $pem !== false ? $pem : throw TransportException::because("$pathOrPem cannot be read.");
    }
}
