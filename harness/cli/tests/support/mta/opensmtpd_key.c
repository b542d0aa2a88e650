/* Gives OpenSMTPD its private key where TLS is done.
 *
 * OpenSMTPD keeps the key in a process of its own and hands TLS one that only asks for signatures. OpenSSL 3 does not ask
 * (OpenSMTPD issues 1171, 1239), so version 6.8 completes no handshake with it. Loaded before its libraries, this puts the
 * key in the place of the other. Nothing else of its TLS, SMTP or authentication is touched. The key is read when a process
 * starts, before it gives up its privileges. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

extern void *BIO_new_mem_buf(const void *, int);
extern void *PEM_read_bio_PrivateKey(void *, void *, void *, void *);

static char pem[1 << 16];
static size_t length;

__attribute__((constructor)) static void read_key(void) {
    const char *path = getenv("SMTPSPEC_KEY");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        length = fread(pem, 1, sizeof pem, file);
        fclose(file);
    }
}

int SSL_CTX_use_PrivateKey(void *context, void *asking) {
    int (*use)(void *, void *) = dlsym(RTLD_NEXT, "SSL_CTX_use_PrivateKey");
    void *key = NULL;
    if (length)
        key = PEM_read_bio_PrivateKey(BIO_new_mem_buf(pem, (int)length), NULL, NULL, NULL);
    return use(context, key ? key : asking);
}
