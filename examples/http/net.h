/* What the files of the web server share. Numbers of the network are big-endian and are read by get16 and get32. */
#ifndef NET_H
#define NET_H

#include "unikernel.h"
#include "virtio.h"

static inline uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }
static inline void put16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}
static inline void put32(uint8_t *at, uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

enum { ETHERNET_HEADER = 14, IP_HEADER = 20, TCP_HEADER = 20, MAC_LENGTH = 6, LARGEST_MTU = 1500 };
/* Before the payload of a TCP segment. */
enum { HEADERS = ETHERNET_HEADER + IP_HEADER + TCP_HEADER };

/* address.c: the network parameters of the command line. */
#define MAX_NICS 4
struct address {
  uint32_t ip;
  unsigned prefix;
};
/* `netdev.ip=`, one entry a nic; returns how many, or -1 for one that cannot be read, which is then in `*wrong`. */
int addresses_read(const struct cmdline *cmdline, struct address *addresses, const char **wrong);

/* nic.c: a virtio network device with its two queues. */
struct nic {
  struct virtio_device device;
  uint8_t mac[MAC_LENGTH];
  uint16_t mtu;
  struct address address;
  struct nic_queues *queues;
};
/* Both return NULL, or why the device cannot be used. */
const char *nic_start(struct nic *nic, int index);
/* Hands every frame that has come to `receive`; returns whether there was one. */
bool nic_poll(struct nic *nic, void (*receive)(struct nic *nic, const uint8_t *frame, size_t length));
/* Room for a frame of ETHERNET_HEADER + LARGEST_MTU bytes, or NULL when all are on their way; nic_send takes it away. */
uint8_t *nic_frame(struct nic *nic);
void nic_send(struct nic *nic, const uint8_t *frame, size_t length);

/* ip.c: Ethernet, ARP, IPv4, ICMP. */
void ip_receive(struct nic *nic, const uint8_t *frame, size_t length);
void ip_announce(struct nic *nic);
/* Fills in the Ethernet and IPv4 headers of a frame whose `length` bytes of payload are there, and sends it. */
void ip_send(struct nic *nic, uint8_t *frame, const uint8_t *mac, uint32_t to, uint8_t protocol, size_t length);
/* The Internet checksum (RFC 1071) of some bytes on top of the sum of a multiple of four bytes. */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t length);
uint16_t checksum_end(uint64_t sum);

/* tcp.c: the server's side of RFC 9293. */
#define HTTP_PORT 80
void tcp_receive(struct nic *nic, const uint8_t *mac, uint32_t from, const uint8_t *segment, size_t length);
void tcp_timers(uint64_t now_ms);
void tcp_resume(void);

/* page.c: what is served. */
#define LONGEST_REQUEST 2048
struct response {
  char head[256];
  uint32_t head_length;
  const char *body;
  uint32_t body_length;
};
void page_init(void);
/* Is the request complete? Then `response` is filled in. */
bool page_answer(const char *request, size_t length, struct response *response);

#endif
