/* The pages, and as much of HTTP/1.1 (RFC 9112) as they need: one request a connection, no body is read. */
#include "net.h"

static const char home[] =
    "<!doctype html>\n"
    "<title>urunc</title>\n"
    "<h1>Served by a unikernel</h1>\n"
    "<p>No operating system is between this page and the virtual machine's network card.</p>\n";

/* One row again and again: 64 bytes, and twice as many with each copy. */
static char big[1 << 20];

void page_init(void) {
  static const char row[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";
  __builtin_memcpy(big, row, 64);
  for (size_t done = 64; done < sizeof big; done *= 2) __builtin_memcpy(big + done, big, done);
}

static void append(struct response *response, const char *text) {
  while (*text && response->head_length < sizeof response->head) response->head[response->head_length++] = *text++;
}

static void append_number(struct response *response, uint32_t number) {
  char digits[11];
  char *at = digits + sizeof digits;
  *--at = 0;
  do *--at = (char)('0' + number % 10);
  while (number /= 10);
  append(response, at);
}

static void respond(struct response *response, const char *status, const char *type, const char *body, uint32_t length) {
  response->head_length = 0;
  append(response, "HTTP/1.1 ");
  append(response, status);
  append(response, "\r\nContent-Type: ");
  append(response, type);
  append(response, "\r\nContent-Length: ");
  append_number(response, length);
  append(response, "\r\nConnection: close\r\n\r\n");
  response->body = body;
  response->body_length = length;
}

static void respond_error(struct response *response, const char *status) {
  respond(response, status, "text/plain", status, 0);
}

/* Does the text of this length begin with a word and a blank? The rest follows in `*rest`. */
static bool takes(const char *text, size_t length, const char *word, const char **rest) {
  size_t at = 0;
  for (; word[at]; at++) {
    if (at >= length || text[at] != word[at]) return false;
  }
  *rest = text + at + 1;
  return at < length && text[at] == ' ';
}

static bool is_complete(const char *request, size_t length) {
  for (size_t i = 3; i < length; i++) {
    if (request[i] == '\n' && request[i - 1] == '\r' && request[i - 2] == '\n' && request[i - 3] == '\r') return true;
  }
  return false;
}

bool page_answer(const char *request, size_t length, struct response *response) {
  const char *path, *end = request + length, *after;
  if (!is_complete(request, length)) {
    if (length < LONGEST_REQUEST) return false;
    respond_error(response, "431 Request Header Fields Too Large");
    return true;
  }
  bool head = takes(request, length, "HEAD", &path);
  if (!head && !takes(request, length, "GET", &path)) respond_error(response, "405 Method Not Allowed");
  else if (takes(path, (size_t)(end - path), "/", &after)) respond(response, "200 OK", "text/html", home, sizeof home - 1);
  else if (takes(path, (size_t)(end - path), "/big", &after)) respond(response, "200 OK", "text/plain", big, sizeof big);
  else respond_error(response, "404 Not Found");
  if (head) response->body_length = 0;
  return true;
}
