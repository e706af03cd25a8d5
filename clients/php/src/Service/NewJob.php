<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Google\Protobuf\Duration;
use Google\Protobuf\Timestamp;
use Howdah\Jobs\V1\JobPriority;
use Howdah\Jobs\V1\JobSpec;
use Howdah\Jobs\V1\Unique;
use Howdah\Jobs\V1\UniquePolicy;

/**
 * What a job is to do, and when:
 *
 *     NewJob::of('documents.workbook', ['period' => 'last_month'])->after(60)->once('monthly')
 *
 * Every method returns a changed copy.
 */
final readonly class NewJob
{
    private function __construct(private JobSpec $spec)
    {
    }

    /**
     * @param string               $kind    a kind that callers may submit, such as `documents.workbook`
     * @param array<string, mixed> $payload what docs/jobs.md says of the kind
     */
    public static function of(string $kind, array $payload = []): self
    {
        return new self((new JobSpec())->setKind($kind)->setPayload(Payload::of($payload)));
    }

    /** Begins so many seconds from now, or from the success of the job before it in a chain. */
    public function after(float $seconds): self
    {
        return $this->with(static fn (JobSpec $spec) => $spec->setDelay(self::duration($seconds)));
    }

    /** Begins at this time, or at once where it is past. */
    public function at(\DateTimeInterface $time): self
    {
        return $this->with(static fn (JobSpec $spec) => $spec->setRunTime(
            (new Timestamp())->setSeconds($time->getTimestamp())->setNanos((int) $time->format('u') * 1000),
        ));
    }

    /** Is not begun any more when so many seconds have passed. */
    public function expiringAfter(float $seconds): self
    {
        return $this->with(static fn (JobSpec $spec) => $spec->setExpireAfter(self::duration($seconds)));
    }

    /** @param int $priority a constant of JobPriority */
    public function withPriority(int $priority): self
    {
        JobPriority::name($priority);

        return $this->with(static fn (JobSpec $spec) => $spec->setPriority($priority));
    }

    /**
     * Exists once: while a job of the kind has this key and has not ended, there is no second.
     *
     * @param int $policy a constant of UniquePolicy: what happens where there is one
     */
    public function once(string $key, int $policy = UniquePolicy::UNIQUE_POLICY_RETURN_EXISTING): self
    {
        return $this->with(static fn (JobSpec $spec) => $spec->setUnique((new Unique())->setKey($key)->setPolicy($policy)));
    }

    public function toMessage(): JobSpec
    {
        return clone $this->spec;
    }

    /** @param \Closure(JobSpec): JobSpec $change */
    private function with(\Closure $change): self
    {
        return new self($change(clone $this->spec));
    }

    private static function duration(float $seconds): Duration
    {
        $whole = (int) floor($seconds);

        return (new Duration())->setSeconds($whole)->setNanos((int) (($seconds - $whole) * 1e9));
    }
}
