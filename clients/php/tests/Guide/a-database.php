<?php

declare(strict_types=1);

// The statements themselves run against Postgres in tests/system/test_submitting.py, with examples/enqueue.php.
$id = 7;
$pdo = new class {
    /** @var list<string> */
    public array $done = [];

    /** @param list<mixed> $arguments */
    public function __call(string $name, array $arguments): self
    {
        $this->done[] = $name;

        return $this;
    }

    /** @param array<mixed> $values */
    public function execute(array $values): bool
    {
        $this->done[] = 'execute';

        return true;
    }
};
// [snippet]

check($pdo->done === ['beginTransaction', 'prepare', 'execute', 'prepare', 'execute', 'fetchColumn', 'commit'], implode(', ', $pdo->done));
