<?php

declare(strict_types=1);

// php artisan vendor:publish --tag=howdah-config copies this file to config/howdah.php.

return [
    // Everything in one line: howdah://key:secret@127.0.0.1:50051?tenant=acme. It wins over what follows.
    'dsn' => env('HOWDAH_DSN'),

    'address' => env('HOWDAH_ADDRESS'),
    'key_id' => env('HOWDAH_KEY_ID'),
    'secret' => env('HOWDAH_SECRET'),
    'token' => env('HOWDAH_TOKEN'),
    'tenant' => env('HOWDAH_TENANT'),
    'audience' => env('HOWDAH_AUDIENCE'),
    'ca' => env('HOWDAH_CA_FILE'),

    // Seconds for a call with all its attempts; null takes the method's own. And attempts after the first.
    'timeout' => env('HOWDAH_TIMEOUT'),
    'retries' => env('HOWDAH_RETRIES'),

    // The nginx location that has the node's files, such as /howdah-files/; null streams them through PHP.
    'accel_location' => env('HOWDAH_ACCEL_LOCATION'),

    // Whether Laravel's page /up fails while the node does not answer.
    'health' => env('HOWDAH_HEALTH', false),
];
