<?php

// Gives generated stubs the classes and constants of Grpc that they use, where neither ext-grpc
// nor the package grpc/grpc provides them. Loaded by Composer ("files").

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    $own = match ($class) {
        'Grpc\\BaseStub' => Howdah\Client\Stub\BaseStub::class,
        'Grpc\\UnaryCall' => Howdah\Client\Stub\UnaryCall::class,
        'Grpc\\ServerStreamingCall' => Howdah\Client\Stub\ServerStreamingCall::class,
        'Grpc\\ChannelCredentials' => Howdah\Client\Stub\ChannelCredentials::class,
        default => null,
    };
    // Autoloaders are asked in turn, this one after Composer's: it is reached only when nobody has the class.
    if ($own !== null) {
        class_alias($own, $class);
    }
});

if (!extension_loaded('grpc')) {
    foreach (Howdah\Client\Code::cases() as $code) {
        $name = 'Grpc\\STATUS_' . $code->canonicalName();
        defined($name) || define($name, $code->value);
    }
}
