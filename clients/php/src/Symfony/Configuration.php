<?php

declare(strict_types=1);

namespace Howdah\Client\Symfony;

use Symfony\Component\Config\Definition\Builder\TreeBuilder;
use Symfony\Component\Config\Definition\ConfigurationInterface;

/** What config/packages/howdah.yaml may have: the settings of `Howdah::fromSettings()`. */
final class Configuration implements ConfigurationInterface
{
    /** All as text, so that `%env(…)%` can stand for each. */
    private const SETTINGS = [
        'dsn' => 'Everything in one line: howdah://key:secret@127.0.0.1:50051?tenant=acme. It wins over what follows.',
        'address' => 'host:port, https://host:port or unix:/path',
        'key_id' => 'Id of a credential.',
        'secret' => 'Its secret, 64 hexadecimal digits.',
        'token' => 'A bearer token, instead of key_id and secret.',
        'tenant' => 'Whom calls are for.',
        'audience' => 'Name of the node, where it is not "howdah".',
        'ca' => 'Path of the certificates to trust.',
        'timeout' => 'Seconds for a call with all its attempts.',
        'retries' => 'Attempts after the first.',
        'transport' => 'auto, curl or grpc.',
        'accel_location' => "The nginx location that has the node's files, such as /howdah-files/.",
    ];

    public function getConfigTreeBuilder(): TreeBuilder
    {
        $tree = new TreeBuilder('howdah');
        $settings = $tree->getRootNode()->children();
        foreach (self::SETTINGS as $name => $info) {
            $settings->scalarNode($name)->info($info)->defaultNull();
        }

        return $tree;
    }
}
