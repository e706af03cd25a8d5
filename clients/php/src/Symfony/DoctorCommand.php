<?php

declare(strict_types=1);

namespace Howdah\Client\Symfony;

use Howdah\Client\Client;
use Howdah\Client\Doctor\Doctor;
use Howdah\Client\Howdah;
use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Output\OutputInterface;

/** Says whether calls can work from this application. */
final class DoctorCommand extends Command
{
    public const NAME = 'howdah:doctor';

    /** @param array<string, mixed> $settings */
    public function __construct(#[\SensitiveParameter] private readonly array $settings)
    {
        parent::__construct(self::NAME);
    }

    protected function configure(): void
    {
        $this->setDescription('Say whether calls to the Howdah node can work, and what to do where they cannot');
    }

    protected function execute(InputInterface $input, OutputInterface $output): int
    {
        $findings = Doctor::examine(fn (): Client => Howdah::fromSettings($this->settings), 'See config/packages/howdah.yaml.');
        foreach ($findings as $finding) {
            $output->writeln((string) $finding, OutputInterface::OUTPUT_RAW);
        }

        return Doctor::isWell($findings) ? Command::SUCCESS : Command::FAILURE;
    }
}
