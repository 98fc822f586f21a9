// The libsrtp 3 calls that the worker makes, on top of libsrtp 2 (Debian has no version 3).
// Version 3 builds a policy by calls and takes separate input and output buffers; version 2 has a
// plain struct and works in place.
#pragma once

// Version 2's struct has the name that version 3 gives to its handle: it is renamed on inclusion.
#define srtp_policy_t srtp_policy_v2_t
#include <srtp2/srtp.h>
#undef srtp_policy_t

#include <arpa/inet.h>
#include <cstddef>
#include <cstdint>
#include <cstring>

constexpr srtp_err_status_t srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
constexpr srtp_err_status_t srtp_err_status_cryptex_err = static_cast<srtp_err_status_t>(29);

struct srtp_policy_v3 {
  srtp_policy_v2_t v2{};
  unsigned char key[64]{};
};
using srtp_policy_t = srtp_policy_v3 *;

inline srtp_err_status_t srtp_policy_create(srtp_policy_t *policy) {
  *policy = new srtp_policy_v3();
  return srtp_err_status_ok;
}

inline void srtp_policy_destroy(srtp_policy_t policy) { delete policy; }

inline srtp_err_status_t srtp_policy_set_ssrc(srtp_policy_t policy, srtp_ssrc_t ssrc) {
  policy->v2.ssrc = ssrc;
  return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_profile(srtp_policy_t policy, srtp_profile_t profile) {
  auto status = srtp_crypto_policy_set_from_profile_for_rtp(&policy->v2.rtp, profile);
  if (status != srtp_err_status_ok) return status;
  return srtp_crypto_policy_set_from_profile_for_rtcp(&policy->v2.rtcp, profile);
}

// Version 2 wants key and salt in one piece. The master key identifier (the last two) is unused.
inline srtp_err_status_t srtp_policy_add_key(srtp_policy_t policy, const uint8_t *key,
                                             size_t keyLength, const uint8_t *salt,
                                             size_t saltLength, const uint8_t *, size_t) {
  if (keyLength + saltLength > sizeof(policy->key)) return srtp_err_status_bad_param;
  std::memcpy(policy->key, key, keyLength);
  std::memcpy(policy->key + keyLength, salt, saltLength);
  policy->v2.key = policy->key;
  return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp_policy_t policy, bool allow) {
  policy->v2.allow_repeat_tx = allow ? 1 : 0;
  return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_window_size(srtp_policy_t policy, size_t size) {
  policy->v2.window_size = size;
  return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_create(srtp_t *session, srtp_policy_t policy) {
  return srtp_create(session, &policy->v2);
}

inline srtp_err_status_t srtp_stream_remove(srtp_t session, uint32_t ssrc) {
  return srtp_remove_stream(session, ssrc);
}

// Moves the packet into the output buffer and lets version 2 work on it there. `added` is what
// the call may append (tag, and index for RTCP); the buffer must have room for it.
inline srtp_err_status_t srtp_in_place(srtp_err_status_t (*call)(srtp_t, void *, int *),
                                       srtp_t session, const uint8_t *in, size_t inLength,
                                       uint8_t *out, size_t *outLength, size_t added) {
  if (*outLength < inLength + added) return srtp_err_status_buffer_small;
  if (in != out) std::memmove(out, in, inLength);
  int length = static_cast<int>(inLength);
  auto status = call(session, out, &length);
  *outLength = static_cast<size_t>(length);
  return status;
}

inline srtp_err_status_t srtp_protect(srtp_t session, const uint8_t *in, size_t inLength,
                                      uint8_t *out, size_t *outLength, size_t) {
  return srtp_in_place(srtp_protect, session, in, inLength, out, outLength, SRTP_MAX_TRAILER_LEN);
}

inline srtp_err_status_t srtp_protect_rtcp(srtp_t session, const uint8_t *in, size_t inLength,
                                           uint8_t *out, size_t *outLength, size_t) {
  return srtp_in_place(srtp_protect_rtcp, session, in, inLength, out, outLength,
                       SRTP_MAX_TRAILER_LEN + sizeof(uint32_t));
}

inline srtp_err_status_t srtp_unprotect(srtp_t session, const uint8_t *in, size_t inLength,
                                        uint8_t *out, size_t *outLength) {
  return srtp_in_place(srtp_unprotect, session, in, inLength, out, outLength, 0);
}

inline srtp_err_status_t srtp_unprotect_rtcp(srtp_t session, const uint8_t *in, size_t inLength,
                                             uint8_t *out, size_t *outLength) {
  return srtp_in_place(srtp_unprotect_rtcp, session, in, inLength, out, outLength, 0);
}
