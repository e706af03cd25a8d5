<?php

declare(strict_types=1);

/**
 * Submits a job in the application's own transaction, where both share a Postgres server.
 *
 *     php clients/php/examples/enqueue.php 'pgsql:host=/run/postgresql;dbname=howdah;user=howdah_enqueuer' acme order-7
 *
 * Needs pdo_pgsql, and nothing of the client. The third argument `rollback` shows that nothing is left of it.
 */

[$script, $dsn, $tenant, $key] = $argv + [3 => null];
if ($key === null) {
    fwrite(STDERR, "usage: php $script DSN TENANT KEY [rollback]\n");
    exit(2);
}
$pdo = new PDO($dsn, options: [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
$pdo->beginTransaction();
try {
    // The application's own writes come here: the job exists where they are committed.
    $enqueue = $pdo->prepare('SELECT howdah.enqueue(:kind, :tenant, :key, :payload)');
    $enqueue->execute([
        'kind' => 'documents.workbook',
        'tenant' => $tenant,
        'key' => $key,
        'payload' => json_encode(['period' => 'last_month'], JSON_THROW_ON_ERROR),
    ]);
    $jobId = $enqueue->fetchColumn();
    ($argv[4] ?? '') === 'rollback' ? $pdo->rollBack() : $pdo->commit();
    echo $jobId, "\n";
} catch (PDOException $refused) {
    $pdo->rollBack();
    // HW001 to HW005; docs/php.md says which is which.
    fwrite(STDERR, $refused->getCode() . ': ' . $refused->getMessage() . "\n");
    exit(1);
}
