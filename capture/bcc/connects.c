// Denies connections and datagrams of a cgroup's processes to the places that user space has listed.

#define ALWAYS (1ULL << 63)

struct place {
    u32 bits;  // 16 of the port, then those of the address
    u8 port[2];
    u8 address[16];
};

struct denial {
    u32 tgid;
    u16 port;
    u8 address[16];
};

BPF_LPM_TRIE(places, struct place, u64, 65536);  // the labels of which one must be held, or ALWAYS
BPF_HASH(holding, u32, u64, 65536);              // the labels that a process holds
BPF_QUEUE(denials, struct denial, 4096);

static inline int judge(struct place *place, u32 tgid)
{
    u64 *held = holding.lookup(&tgid);
    u64 labels = ALWAYS | (held ? *held : 0);
    u64 *denied = places.lookup(place);
    u8 port[2] = {place->port[0], place->port[1]};

    if (!denied) {
        place->port[0] = place->port[1] = 0;  // what is listed for no port holds for any
        denied = places.lookup(place);
    }
    if (!denied || !(*denied & labels))
        return 1;
    struct denial told = {.tgid = tgid, .port = port[0] << 8 | port[1]};
    __builtin_memcpy(told.address, place->address, 16);
    denials.push(&told, 0);
    return 0;
}

static inline void put(u8 *to, u32 word)
{
    __builtin_memcpy(to, &word, 4);
}

static inline int judge4(struct bpf_sock_addr *ctx)
{
    struct place place = {.bits = 144, .address = {[10] = 0xff, [11] = 0xff}};
    u32 port = ctx->user_port;

    __builtin_memcpy(place.port, &port, 2);
    put(place.address + 12, ctx->user_ip4);
    return judge(&place, bpf_get_current_pid_tgid() >> 32);
}

static inline int judge6(struct bpf_sock_addr *ctx)
{
    struct place place = {.bits = 144};
    u32 port = ctx->user_port;

    __builtin_memcpy(place.port, &port, 2);
    put(place.address, ctx->user_ip6[0]);
    put(place.address + 4, ctx->user_ip6[1]);
    put(place.address + 8, ctx->user_ip6[2]);
    put(place.address + 12, ctx->user_ip6[3]);
    return judge(&place, bpf_get_current_pid_tgid() >> 32);
}

int connect4(struct bpf_sock_addr *ctx) { return judge4(ctx); }
int connect6(struct bpf_sock_addr *ctx) { return judge6(ctx); }
int sendmsg4(struct bpf_sock_addr *ctx) { return judge4(ctx); }
int sendmsg6(struct bpf_sock_addr *ctx) { return judge6(ctx); }
