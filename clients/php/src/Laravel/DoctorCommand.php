<?php

declare(strict_types=1);

namespace Howdah\Client\Laravel;

use Howdah\Client\Client;
use Howdah\Client\Doctor\Doctor;
use Illuminate\Console\Command;

/** Says whether calls can work from this application. */
final class DoctorCommand extends Command
{
    protected $signature = 'howdah:doctor';

    protected $description = 'Say whether calls to the Howdah node can work, and what to do where they cannot';

    public function handle(): int
    {
        $findings = Doctor::examine(
            fn (): Client => $this->laravel->make(Client::class),
            'See config/howdah.php; after a change: php artisan config:clear.',
        );
        foreach ($findings as $finding) {
            $this->line((string) $finding);
        }

        return Doctor::isWell($findings) ? 0 : 1;
    }
}
