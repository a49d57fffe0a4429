/* All randomness of a run, from the 32-byte seed that the host gives: ChaCha20 (RFC 8439) for
   `crypto` and for seeding QuickJS's own generator behind `Math.random`. Reproducible by design;
   not a source of secrets. */

static uint32_t ob_chacha[16];
static uint8_t ob_random_block[64];
static unsigned ob_random_used = 64;

#define ROTL(v, n) (((v) << (n)) | ((v) >> (32 - (n))))
#define QUARTER(a, b, c, d)                  \
    (a += b, d ^= a, d = ROTL(d, 16),        \
     c += d, b ^= c, b = ROTL(b, 12),        \
     a += b, d ^= a, d = ROTL(d, 8),         \
     c += d, b ^= c, b = ROTL(b, 7))

static void random_refill(void)
{
    uint32_t x[16];
    memcpy(x, ob_chacha, sizeof(x));
    for (int round = 0; round < 10; round++) {
        QUARTER(x[0], x[4], x[8], x[12]);
        QUARTER(x[1], x[5], x[9], x[13]);
        QUARTER(x[2], x[6], x[10], x[14]);
        QUARTER(x[3], x[7], x[11], x[15]);
        QUARTER(x[0], x[5], x[10], x[15]);
        QUARTER(x[1], x[6], x[11], x[12]);
        QUARTER(x[2], x[7], x[8], x[13]);
        QUARTER(x[3], x[4], x[9], x[14]);
    }
    for (int i = 0; i < 16; i++)
        x[i] += ob_chacha[i];
    memcpy(ob_random_block, x, sizeof(x));
    ob_random_used = 0;
    if (++ob_chacha[12] == 0)
        ob_chacha[13]++;
}

static void random_fill(uint8_t *out, size_t len)
{
    while (len--) {
        if (ob_random_used == sizeof(ob_random_block))
            random_refill();
        *out++ = ob_random_block[ob_random_used++];
    }
}

static void random_seed(JSContext *ctx, const uint8_t seed[32])
{
    static const uint32_t constants[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    memset(ob_chacha, 0, sizeof(ob_chacha));
    memcpy(ob_chacha, constants, sizeof(constants));
    memcpy(ob_chacha + 4, seed, 32);
    ob_random_used = sizeof(ob_random_block);
    random_fill((uint8_t *)&ctx->random_state, sizeof(ctx->random_state));
    if (ctx->random_state == 0)
        ctx->random_state = 1;
    /* No Map or Set of the prelude holds an entry, so none is lost by a new hash seed. */
    random_fill((uint8_t *)&ctx->hash_seed, sizeof(ctx->hash_seed));
}
