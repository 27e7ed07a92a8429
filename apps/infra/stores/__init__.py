"""Where bytes live: Redis clients, shards, in-process caches, partitions."""
