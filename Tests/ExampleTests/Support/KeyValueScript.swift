// SPDX-License-Identifier: Apache-2.0

/// Commands that redis-server and the example have to answer alike, word for word.
enum KeyValueScript {
    static let commands = strings + lists + keys + mistakes

    private static let strings = [
        "PING", "ping hello", #"echo "a\nb""#, "get missing", "set k v", "get k", "SET k w nx", "set k w xx", "get k",
        "set new v xx", "set new v nx ex 100", "ttl new", "set new w", "ttl new", "set p v px 5000000", "ttl p",
        "set k v nx xx", "set k v ex", "set k v ex 0", "set k v px -1", "set k v ex many", "set k v ex 1 px 1",
        "set k v nonsense", "mset a 1 b 2 c 3", "mget a missing c", "mset a", "mset a 1 b", "incr a", "incrby a 40",
        "get a", "decrby a 1", "decrby a -9223372036854775807", "decrby a -9223372036854775808", "decrby a x",
        "get a", "decr missing", "incr k", "incrby a x", "set big 9223372036854775807", "incr big",
        "set small -9223372036854775808", "decr small", "incrby small 01", #"set e """#, "get e", "incr e",
        "set padded 007", "incr padded", "set plus +1", "incr plus", "set minus -0", "incr minus",
    ]

    private static let lists = [
        "lpush l a b c", "rpush l d", "lrange l 0 -1", "lrange l -2 -1", "lrange l 1 1", "lrange l 3 1",
        "lrange l 100 200", "lrange l -100 1", "lrange l 0 x", "lrange missing 0 -1", "llen l", "llen missing",
        "lpop l", "rpop l", "lpop missing", "lrange l 0 -1", "lpop l 0", "lpop l -1", "lpop l x", "rpop missing 2",
        "lpop k 1", "rpop l 1", "rpush l e", "lpop l", "lpop l 9", "exists l", "lpush l x", "lpush k x",
        "lrange k 0 1", "llen k", "lpop k", "get l", "incr l", "set l string", "get l",
    ]

    private static let keys = [
        "exists a b missing a", "del a b missing", "exists a", "type k", "type missing", "expire k 100", "ttl k",
        "ttl missing", "pttl missing", "ttl c", "expire missing 1", "expire k x", "expire missing x",
        "expire k 9223372036854775807", "expire missing 9223372036854775",
        "expire k -9223372036854775808", "exists k", "set k v ex 9223372036854775807", "set k v px 9223372036854775807",
        "expire k 1000000000000", "exists k", "ttl k", "expire k -1", "exists k", "dbsize",
        "flushall", "dbsize",
    ]

    private static let mistakes = [
        "get", "GET a b", "set k", "lpush l", "lrange l 0", "incr", "del", "nonsense", "NonSense with arguments",
        "select 0", "select 16", "select x", "echo", "config get save", "config get nothing", "ping a b", "ttl",
    ]
}
