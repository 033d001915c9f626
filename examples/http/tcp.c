/*
 * The server's side of TCP (RFC 9293): a connection carries one request, one response, and ends. What was sent can be
 * made again from the response at any time, so nothing is kept for retransmission; the sender goes back to the first
 * byte that was not acknowledged. Segments out of order are not kept, the peer sends them again.
 */
#include "net.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { CONNECTIONS = 64, RECEIVE_WINDOW = LONGEST_REQUEST, DEFAULT_MSS = 536, SMALLEST_MSS = 64 };
enum { PROTOCOL_TCP = 6, OPTION_END = 0, OPTION_NOTHING = 1, OPTION_MSS = 2 };
/* Milliseconds. */
enum { TIMER_STEP = 50, FIRST_TIMEOUT = 200, IDLE_LIMIT = 10000, TIME_WAIT_LIMIT = 1000 };
enum { RETRIES = 7, OPENING_RETRIES = 3, DUPLICATES = 3, FIRST_FLIGHT = 10, LARGEST_FLIGHT = 65535 };

enum state { FREE, SYN_RECEIVED, OPEN, TIME_WAIT };

struct connection {
  enum state state;
  struct nic *nic;
  uint8_t mac[MAC_LENGTH]; /* of the peer, or of the router on the way to it */
  uint32_t peer;
  uint16_t peer_port, mss;
  bool answered;    /* the response is there, or there will be none */
  bool peer_closed; /* its FIN has come */
  uint32_t first;   /* the sequence number of the response's first byte */
  /* Places in the response; our FIN counts as one byte behind its end. */
  uint32_t acknowledged, sent, most_sent;
  uint32_t receive_next;
  uint32_t peer_window, flight; /* the peer's limit on what is under way, and the network's */
  uint64_t moved, heard;        /* when something was acknowledged or sent again; when anything came */
  uint32_t timeout;
  unsigned retries, duplicates;
  uint32_t request_length;
  char request[LONGEST_REQUEST];
  struct response response;
};

struct segment {
  uint16_t port;
  uint32_t sequence, acknowledgement;
  uint8_t flags;
  uint16_t window, mss;
  const uint8_t *payload;
  uint32_t length;
};

static struct connection connections[CONNECTIONS];
static uint64_t clock; /* as of the last tcp_timers */

/* Is sequence number `a` behind `b`? They wrap (RFC 9293, 3.4). */
static bool behind(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }

static uint32_t response_length(const struct connection *c) { return c->response.head_length + c->response.body_length; }

static uint16_t checksum(uint32_t a, uint32_t b, const uint8_t *segment, size_t length) {
  uint8_t pseudo[12]; /* RFC 9293, 3.1 */
  put32(pseudo, a);
  put32(pseudo + 4, b);
  put16(pseudo + 8, PROTOCOL_TCP);
  put16(pseudo + 10, (uint32_t)length);
  return checksum_end(checksum_add(checksum_add(0, pseudo, sizeof pseudo), segment, length));
}

/* Fills in the header before `length` bytes of options and payload, and sends the segment. */
static void send(struct nic *nic, const uint8_t *mac, uint32_t to, uint8_t *frame, const struct segment *s, size_t options) {
  uint8_t *tcp = frame + ETHERNET_HEADER + IP_HEADER;
  size_t total = TCP_HEADER + options + s->length;
  put16(tcp, HTTP_PORT);
  put16(tcp + 2, s->port);
  put32(tcp + 4, s->sequence);
  put32(tcp + 8, s->acknowledgement);
  tcp[12] = (uint8_t)((TCP_HEADER + options) / 4 << 4);
  tcp[13] = s->flags;
  put16(tcp + 14, s->window);
  put32(tcp + 16, 0); /* checksum, urgent pointer */
  put16(tcp + 16, checksum(nic->address.ip, to, tcp, total));
  ip_send(nic, frame, mac, to, PROTOCOL_TCP, total);
}

static void send_reset(struct nic *nic, const uint8_t *mac, uint32_t to, const struct segment *s) {
  uint8_t *frame;
  if (s->flags & RST || !(frame = nic_frame(nic))) return;
  struct segment reset = {.port = s->port, .flags = RST};
  if (s->flags & ACK) {
    reset.sequence = s->acknowledgement;
  } else { /* RFC 9293, 3.5.2 */
    reset.flags = RST | ACK;
    reset.acknowledgement = s->sequence + s->length + (s->flags & SYN ? 1 : 0) + (s->flags & FIN ? 1 : 0);
  }
  send(nic, mac, to, frame, &reset, 0);
}

/* A segment of the connection without payload. */
static void send_flags(struct connection *c, uint8_t flags) {
  uint8_t *frame = nic_frame(c->nic);
  if (!frame) return;
  struct segment s = {.port = c->peer_port, .flags = flags, .window = RECEIVE_WINDOW, .acknowledgement = c->receive_next};
  s.sequence = c->first + c->sent - (flags & SYN ? 1 : 0);
  size_t options = 0;
  if (flags & SYN) {
    uint8_t *option = frame + HEADERS;
    option[0] = OPTION_MSS;
    option[1] = 4;
    put16(option + 2, c->nic->mtu - IP_HEADER - TCP_HEADER);
    options = 4;
  }
  send(c->nic, c->mac, c->peer, frame, &s, options);
}

static void copy_response(const struct connection *c, uint8_t *to, uint32_t from, uint32_t length) {
  uint32_t head = c->response.head_length;
  if (from < head) {
    uint32_t part = length < head - from ? length : head - from;
    __builtin_memcpy(to, c->response.head + from, part);
    to += part, from += part, length -= part;
  }
  if (length) __builtin_memcpy(to, c->response.body + (from - head), length);
}

/* Sends what may be under way now, `least` bytes in any case. Returns whether a segment went out. */
static bool send_response(struct connection *c, uint32_t least) {
  uint32_t length = response_length(c), limit = c->peer_window < c->flight ? c->peer_window : c->flight;
  bool any = false;
  if (limit < least) limit = least;
  while (c->answered && c->sent <= length) {
    uint32_t under_way = c->sent - c->acknowledged, left = length - c->sent;
    if (under_way >= limit) break;
    uint32_t size = limit - under_way < c->mss ? limit - under_way : c->mss;
    if (size >= left) size = left;
    else if (size < c->mss && under_way) break; /* no small pieces while an acknowledgement is to come */
    uint8_t *frame = nic_frame(c->nic);
    if (!frame) break;
    bool last = size == left;
    copy_response(c, frame + HEADERS, c->sent, size);
    struct segment s = {.port = c->peer_port, .window = RECEIVE_WINDOW, .length = size};
    s.sequence = c->first + c->sent;
    s.acknowledgement = c->receive_next;
    s.flags = (uint8_t)(ACK | (last ? PSH | FIN : 0));
    if (c->sent == c->acknowledged) c->moved = clock;
    send(c->nic, c->mac, c->peer, frame, &s, 0);
    c->sent += size + (last ? 1 : 0);
    if (c->sent > c->most_sent) c->most_sent = c->sent;
    any = true;
  }
  return any;
}

static struct connection *find(const struct nic *nic, uint32_t peer, uint16_t port) {
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection *c = &connections[i];
    if (c->state != FREE && c->nic == nic && c->peer == peer && c->peer_port == port) return c;
  }
  return NULL;
}

/* A free place, else the one that waits for nothing but late segments since the longest time. */
static struct connection *find_place(void) {
  struct connection *oldest = NULL;
  for (int i = 0; i < CONNECTIONS; i++) {
    struct connection *c = &connections[i];
    if (c->state == FREE) return c;
    if (c->state == TIME_WAIT && (!oldest || c->heard < oldest->heard)) oldest = c;
  }
  return oldest;
}

/* RFC 9293, 3.4.1: it moves with a clock and differs between peers. There is no secret in it, so it can be guessed. */
static uint32_t first_sequence(uint32_t peer, uint16_t port) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint32_t)(((uint64_t)high << 32 | low) >> 8) + (peer ^ ((uint32_t)port << 16)) * 2654435761u;
}

static void accept(struct connection *c, struct nic *nic, const uint8_t *mac, uint32_t peer, const struct segment *s) {
  uint16_t most = (uint16_t)(nic->mtu - IP_HEADER - TCP_HEADER), mss = s->mss ? s->mss : DEFAULT_MSS;
  c->state = SYN_RECEIVED;
  c->nic = nic;
  __builtin_memcpy(c->mac, mac, MAC_LENGTH);
  c->peer = peer;
  c->peer_port = s->port;
  c->mss = mss > most ? most : mss < SMALLEST_MSS ? SMALLEST_MSS : mss;
  c->answered = c->peer_closed = false;
  c->first = first_sequence(peer, s->port);
  c->acknowledged = c->sent = c->most_sent = 0;
  c->receive_next = s->sequence + 1;
  c->peer_window = s->window;
  c->flight = FIRST_FLIGHT * (uint32_t)c->mss;
  c->moved = c->heard = clock;
  c->timeout = FIRST_TIMEOUT;
  c->retries = c->duplicates = 0;
  c->request_length = 0;
  c->response.head_length = c->response.body_length = 0;
  send_flags(c, SYN | ACK);
}

/* What the peer has of the response. False: it cannot have that. */
static bool take_acknowledgement(struct connection *c, const struct segment *s) {
  uint32_t place = s->acknowledgement - c->first;
  if (behind(c->first + c->acknowledged, s->acknowledgement)) return true; /* an old segment */
  if (place > c->most_sent) return false;
  if (place > c->acknowledged) {
    c->flight += place - c->acknowledged;
    if (c->flight > LARGEST_FLIGHT) c->flight = LARGEST_FLIGHT;
    c->acknowledged = place;
    if (c->sent < place) c->sent = place;
    c->moved = clock;
    c->timeout = FIRST_TIMEOUT;
    c->retries = c->duplicates = 0;
  } else if (c->most_sent > place && !s->length && !(s->flags & FIN) && s->window == c->peer_window) {
    if (++c->duplicates == DUPLICATES) { /* RFC 5681, 3.2: a segment was lost */
      c->flight = c->flight / 2 > 2u * c->mss ? c->flight / 2 : 2u * c->mss;
      c->sent = place;
    }
  }
  c->peer_window = s->window;
  return true;
}

/* The part of the payload that is new. What comes behind the longest request is taken and forgotten. */
static void take_payload(struct connection *c, const struct segment *s) {
  uint32_t known = c->receive_next - s->sequence;
  if (known <= s->length) {
    uint32_t fresh = s->length - known, room = LONGEST_REQUEST - c->request_length;
    if (fresh < room) room = fresh;
    __builtin_memcpy(c->request + c->request_length, s->payload + known, room);
    c->request_length += room;
    c->receive_next += fresh;
  }
  if (s->flags & FIN && c->receive_next == s->sequence + s->length && !c->peer_closed) {
    c->receive_next++;
    c->peer_closed = true;
  }
}

static void connection_receive(struct connection *c, const struct segment *s) {
  if (s->flags & RST) { /* RFC 5961, 3.2: only one that is exactly in place */
    if (s->sequence == c->receive_next) c->state = FREE;
    return;
  }
  if (s->flags & SYN) {
    bool again = c->state == SYN_RECEIVED && s->sequence + 1 == c->receive_next;
    send_flags(c, again ? SYN | ACK : ACK); /* RFC 5961, 4.2 */
    return;
  }
  if (!(s->flags & ACK)) return;
  if (c->state == SYN_RECEIVED) {
    if (s->acknowledgement != c->first) {
      send_reset(c->nic, c->mac, c->peer, s);
      return;
    }
    c->state = OPEN;
    c->peer_window = s->window;
  }
  c->heard = clock;
  bool in_window = !behind(s->sequence, c->receive_next) && !behind(c->receive_next, s->sequence + RECEIVE_WINDOW + s->length + 1);
  if (!in_window || !take_acknowledgement(c, s)) {
    send_flags(c, ACK);
    return;
  }
  bool owed = s->length || s->flags & FIN;
  take_payload(c, s);
  if (!c->answered) c->answered = page_answer(c->request, c->request_length, &c->response) || c->peer_closed;
  if (!send_response(c, 0) && owed) send_flags(c, ACK);
  if (c->answered && c->peer_closed && c->acknowledged == response_length(c) + 1) c->state = TIME_WAIT;
}

/* The options of a SYN (RFC 9293, 3.2); 0: the peer does not say. */
static uint16_t read_mss(const uint8_t *option, const uint8_t *end) {
  while (option < end && *option != OPTION_END) {
    if (*option == OPTION_NOTHING) {
      option++;
      continue;
    }
    if (end - option < 2 || option[1] < 2 || option[1] > end - option) return 0;
    if (option[0] == OPTION_MSS && option[1] == 4) return get16(option + 2);
    option += option[1];
  }
  return 0;
}

void tcp_receive(struct nic *nic, const uint8_t *mac, uint32_t from, const uint8_t *tcp, size_t length) {
  if (length < TCP_HEADER) return;
  size_t header = 4u * (tcp[12] >> 4);
  if (header < TCP_HEADER || header > length || checksum(from, nic->address.ip, tcp, length) != 0) return;
  struct segment s = {
      .port = get16(tcp),
      .sequence = get32(tcp + 4),
      .acknowledgement = get32(tcp + 8),
      .flags = tcp[13] & (FIN | SYN | RST | ACK),
      .window = get16(tcp + 14),
      .payload = tcp + header,
      .length = (uint32_t)(length - header),
  };
  struct connection *c = get16(tcp + 2) == HTTP_PORT ? find(nic, from, s.port) : NULL;
  bool opens = get16(tcp + 2) == HTTP_PORT && (s.flags & (SYN | ACK | RST | FIN)) == SYN;
  /* RFC 9293, 3.10.7.4: a new connection may take the place of one that has ended. */
  if (c && !(opens && c->state == TIME_WAIT && behind(s.sequence, c->receive_next))) {
    connection_receive(c, &s);
  } else if (opens) {
    s.mss = read_mss(tcp + TCP_HEADER, tcp + header);
    if (!c) c = find_place();
    if (c) accept(c, nic, mac, from, &s); /* else the peer asks again */
  } else if (get16(tcp + 2) == HTTP_PORT || s.flags & SYN) {
    send_reset(nic, mac, from, &s);
  }
}

static void connection_timer(struct connection *c) {
  bool owed = c->state == SYN_RECEIVED || (c->answered && c->acknowledged <= response_length(c));
  if (c->state == TIME_WAIT) {
    if (clock - c->heard >= TIME_WAIT_LIMIT) c->state = FREE;
  } else if (owed && clock - c->moved >= c->timeout) {
    if (++c->retries > (c->state == OPEN ? RETRIES : OPENING_RETRIES)) {
      c->sent = c->most_sent;
      send_flags(c, RST | ACK);
      c->state = FREE;
      return;
    }
    c->moved = clock;
    c->timeout *= 2;
    c->duplicates = 0;
    c->flight = c->mss;
    c->sent = c->acknowledged;
    if (c->state == SYN_RECEIVED) send_flags(c, SYN | ACK);
    else send_response(c, 1); /* one byte when the peer has no room: it may have, and its word got lost */
  } else if (!owed && clock - c->heard >= IDLE_LIMIT) {
    send_flags(c, RST | ACK);
    c->state = FREE;
  }
}

void tcp_timers(uint64_t now_ms) {
  static uint64_t last;
  clock = now_ms;
  if (now_ms - last < TIMER_STEP) return;
  last = now_ms;
  for (int i = 0; i < CONNECTIONS; i++) {
    if (connections[i].state != FREE) connection_timer(&connections[i]);
  }
}

/* Goes on where there were no frames left. */
void tcp_resume(void) {
  for (int i = 0; i < CONNECTIONS; i++) {
    if (connections[i].state == OPEN) send_response(&connections[i], 0);
  }
}
