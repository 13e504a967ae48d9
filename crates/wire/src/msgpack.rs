//! msgpack as memberlist writes it (gossip) and as Serf RPC does.
