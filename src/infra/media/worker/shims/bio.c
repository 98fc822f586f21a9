/*
 * The worker's BIO callback answers 1 to every control operation on its way back. An OpenSSL
 * built with kernel TLS (Debian's is) asks its BIO "is kernel TLS on?" by such an operation,
 * believes the 1, allocates no write buffer, and crashes in the first DTLS handshake.
 *
 * This stands between the two and lets a returning operation keep its own result. The worker is
 * compiled with -DBIO_set_callback_ex=worker_bio_set_callback_ex, so its source stays as it is.
 */
#include <openssl/bio.h>

#undef BIO_set_callback_ex

/* The worker installs one function, on every BIO, from one thread: one variable is enough. */
static BIO_callback_fn_ex worker_callback;

static long keep_result(BIO *bio, int operation, const char *data, size_t length, int argi,
                        long argl, int result, size_t *processed) {
  long answer = worker_callback(bio, operation, data, length, argi, argl, result, processed);
  return (operation & BIO_CB_RETURN) ? (long)result : answer;
}

void worker_bio_set_callback_ex(BIO *bio, BIO_callback_fn_ex callback) {
  worker_callback = callback;
  BIO_set_callback_ex(bio, keep_result);
}
