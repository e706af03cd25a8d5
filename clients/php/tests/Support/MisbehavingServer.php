<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Support;

/** Starts a server of tests/server and knows where it listens. It ends with this process. */
final class MisbehavingServer
{
    private static ?self $shared = null;

    /** @var resource */
    private $process;

    /** @var array<int, resource> */
    private array $pipes = [];

    /** @var array<string, string> */
    private array $addresses;

    /** @param bool $plain without the TLS, unix and raw listeners, which take a moment to set up */
    public function __construct(
        bool $plain = false,
        int $port = 0,
        int $maxReceiveBytes = 32 * 1024 * 1024,
        string $script = 'misbehaving.py',
    ) {
        $root = dirname(__DIR__, 4);
        $python = $root . '/.venv/bin/python';
        if (!is_file($python)) {
            throw new \RuntimeException("$python is missing: run `make setup-dev` first.");
        }
        $this->process = proc_open(
            [$python, dirname(__DIR__) . "/server/$script", ...($plain ? ['--plain'] : [])],
            [0 => ['pipe', 'r'], 1 => ['pipe', 'w'], 2 => STDERR],
            $this->pipes,
            $root,
            [
                'PYTHONPATH' => $root . '/generated/python',
                'PYTHONDONTWRITEBYTECODE' => '1',
                'GRPC_VERBOSITY' => 'NONE',
                'MISBEHAVING_PORT' => (string) $port,
                'MISBEHAVING_MAX_RECEIVE_BYTES' => (string) $maxReceiveBytes,
            ] + getenv(),
        );
        $line = fgets($this->pipes[1]);
        if ($line === false) {
            throw new \RuntimeException('The misbehaving server did not start.');
        }
        $this->addresses = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    }

    public function __destruct()
    {
        $this->stop();
    }

    /** One server for all tests that do not kill it. */
    public static function shared(): self
    {
        return self::$shared ??= new self();
    }

    public function address(string $kind = 'grpc'): string
    {
        return $this->addresses[$kind];
    }

    /** Sends it a line and returns its answer. */
    public function tell(string $line): string
    {
        fwrite($this->pipes[0], "$line\n");
        $answer = fgets($this->pipes[1]);
        if ($answer === false) {
            throw new \RuntimeException("The misbehaving server does not know \"$line\".");
        }

        return rtrim($answer);
    }

    public function port(): int
    {
        return (int) substr((string) strrchr($this->address(), ':'), 1);
    }

    public function stop(): void
    {
        if (is_resource($this->process)) {
            proc_terminate($this->process, 9);
            array_map(static fn ($pipe) => is_resource($pipe) && fclose($pipe), $this->pipes);
            proc_close($this->process);
        }
    }
}
