<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

/** Walks through a list that comes in pages. */
final class Pages
{
    /**
     * @param \Closure(string): object          $fetch the page of a token; empty for the first
     * @param \Closure(object): iterable<mixed> $items
     */
    public static function of(\Closure $fetch, \Closure $items): \Generator
    {
        $token = '';
        do {
            $page = $fetch($token);
            foreach ($items($page) as $item) {
                yield $item;
            }
            $token = $page->getNextPageToken();
        } while ($token !== '');
    }
}
