/* Ethernet, ARP (RFC 826), IPv4 (RFC 791) and the echo of ICMP (RFC 792). Nothing is believed before it is measured. */
#include "net.h"

enum { TYPE_IPV4 = 0x0800, TYPE_ARP = 0x0806 };
enum { ARP_LENGTH = 28, ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6 };
enum { ICMP_HEADER = 8, ECHO_REPLY = 0, ECHO_REQUEST = 8 };
enum { MORE_FRAGMENTS = 0x2000, FRAGMENT_OFFSET = 0x1fff, DO_NOT_FRAGMENT = 0x4000 };

static const uint8_t everybody[MAC_LENGTH] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t nobody[MAC_LENGTH];

static bool mac_equal(const uint8_t *a, const uint8_t *b) {
  for (int i = 0; i < MAC_LENGTH; i++) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

/* The sum is taken in the machine's own byte order, four bytes at a time, and swapped at the end (RFC 1071, 2). */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t length) {
  for (; length >= 4; bytes += 4, length -= 4) {
    uint32_t word;
    __builtin_memcpy(&word, bytes, sizeof word);
    sum += word;
  }
  uint32_t last = 0;
  for (size_t i = 0; i < length; i++) last |= (uint32_t)bytes[i] << 8 * i;
  return sum + last;
}

uint16_t checksum_end(uint64_t sum) {
  while (sum >> 16) sum = (sum >> 16) + (sum & 0xffff);
  return (uint16_t)~__builtin_bswap16((uint16_t)sum);
}

static void ethernet_send(struct nic *nic, uint8_t *frame, const uint8_t *mac, uint16_t type, size_t length) {
  __builtin_memcpy(frame, mac, MAC_LENGTH);
  __builtin_memcpy(frame + MAC_LENGTH, nic->mac, MAC_LENGTH);
  put16(frame + 12, type);
  nic_send(nic, frame, ETHERNET_HEADER + length);
}

static void arp_send(struct nic *nic, const uint8_t *to, uint16_t operation, const uint8_t *target, uint32_t target_ip) {
  static const uint8_t kind[] = {0, 1, TYPE_IPV4 >> 8, 0, MAC_LENGTH, 4}; /* Ethernet, IPv4 and their lengths */
  uint8_t *frame = nic_frame(nic);
  if (!frame) return;
  uint8_t *arp = frame + ETHERNET_HEADER;
  __builtin_memcpy(arp, kind, sizeof kind);
  put16(arp + 6, operation);
  __builtin_memcpy(arp + 8, nic->mac, MAC_LENGTH);
  put32(arp + 14, nic->address.ip);
  __builtin_memcpy(arp + 18, target, MAC_LENGTH);
  put32(arp + 24, target_ip);
  ethernet_send(nic, frame, to, TYPE_ARP, ARP_LENGTH);
}

/* RFC 5227, 2.3: who had another answer to this address forgets it. */
void ip_announce(struct nic *nic) { arp_send(nic, everybody, ARP_REQUEST, nobody, nic->address.ip); }

static void arp_receive(struct nic *nic, const uint8_t *arp, size_t length) {
  if (length < ARP_LENGTH || get32(arp) != (1u << 16 | TYPE_IPV4) || get16(arp + 4) != (MAC_LENGTH << 8 | 4)) return;
  if (get16(arp + 6) != ARP_REQUEST || get32(arp + 24) != nic->address.ip) return;
  arp_send(nic, arp + 8, ARP_REPLY, arp + 8, get32(arp + 14));
}

void ip_send(struct nic *nic, uint8_t *frame, const uint8_t *mac, uint32_t to, uint8_t protocol, size_t length) {
  uint8_t *header = frame + ETHERNET_HEADER;
  put16(header, 0x4500); /* version 4, five words of header */
  put16(header + 2, (uint32_t)(IP_HEADER + length));
  put16(header + 4, 0);
  put16(header + 6, DO_NOT_FRAGMENT);
  header[8] = 64; /* hops */
  header[9] = protocol;
  put16(header + 10, 0);
  put32(header + 12, nic->address.ip);
  put32(header + 16, to);
  put16(header + 10, checksum_end(checksum_add(0, header, IP_HEADER)));
  ethernet_send(nic, frame, mac, TYPE_IPV4, IP_HEADER + length);
}

static void icmp_receive(struct nic *nic, const uint8_t *mac, uint32_t from, const uint8_t *message, size_t length) {
  if (length < ICMP_HEADER || length > LARGEST_MTU - IP_HEADER) return;
  if (message[0] != ECHO_REQUEST || message[1] != 0 || checksum_end(checksum_add(0, message, length)) != 0) return;
  uint8_t *frame = nic_frame(nic);
  if (!frame) return;
  uint8_t *reply = frame + ETHERNET_HEADER + IP_HEADER;
  __builtin_memcpy(reply, message, length);
  reply[0] = ECHO_REPLY;
  put16(reply + 2, 0);
  put16(reply + 2, checksum_end(checksum_add(0, reply, length)));
  ip_send(nic, frame, mac, from, PROTOCOL_ICMP, length);
}

static void ipv4_receive(struct nic *nic, const uint8_t *mac, const uint8_t *packet, size_t length) {
  if (length < IP_HEADER || packet[0] >> 4 != 4) return;
  size_t header = 4u * (packet[0] & 15), total = get16(packet + 2);
  if (header < IP_HEADER || total < header || total > length) return; /* Ethernet pads short frames */
  if (checksum_end(checksum_add(0, packet, header)) != 0) return;
  if (get16(packet + 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) return;
  uint32_t from = get32(packet + 12);
  /* A single host's address: neither "this network" nor multicast, reserved or broadcast (RFC 1122, 3.2.1.3). */
  if (get32(packet + 16) != nic->address.ip || from >> 24 == 0 || from >> 24 >= 224) return;
  if (packet[9] == PROTOCOL_ICMP) icmp_receive(nic, mac, from, packet + header, total - header);
  if (packet[9] == PROTOCOL_TCP) tcp_receive(nic, mac, from, packet + header, total - header);
}

void ip_receive(struct nic *nic, const uint8_t *frame, size_t length) {
  if (length < ETHERNET_HEADER) return;
  const uint8_t *to = frame, *from = frame + MAC_LENGTH;
  if (from[0] & 1) return; /* a group is nobody to answer to */
  bool mine = mac_equal(to, nic->mac);
  uint16_t type = get16(frame + 12);
  if (type == TYPE_ARP && (mine || mac_equal(to, everybody))) arp_receive(nic, frame + ETHERNET_HEADER, length - ETHERNET_HEADER);
  if (type == TYPE_IPV4 && mine) ipv4_receive(nic, from, frame + ETHERNET_HEADER, length - ETHERNET_HEADER);
}
