/* Texts, numbers, addresses and the kernel's command line. */
#include "../../guest-init/text.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../../guest-init/address.h"
#include "../../guest-init/kernel.h"
#include "world.h"

static void joins(void) {
  char *exact = malloc(6);
  check(join(exact, 6, PARTS("ab", "", "cde")));
  check_text(exact, "abcde");
  check(!join(exact, 5, PARTS("ab", "cde")));
  check_text(exact, "");
  check(!join(exact, 1, PARTS("a")));
  check(join(exact, 1, PARTS("")));
  free(exact);
}

static void numbers(void) {
  char digits[24];
  unsigned number = 7;
  check(parse_number("4294967294", &number) && number == 4294967294u);
  check(!parse_number("4294967295", &number) && !parse_number("99999999999999999999999999", &number));
  check(!parse_number("", &number) && !parse_number("-1", &number) && !parse_number("1 ", &number));
  check_text(number_text(LONG_MIN, digits), "-9223372036854775808");
  check_text(number_text(0, digits), "0");
}

static void long_lines(void) {
  static char text[5000];
  memset(text, 'x', sizeof text - 1);
  SAY("begins: ", text, text);
  check(strlen(world_said()) == 512 && strncmp(world_said(), "begins: xxx", 11) == 0);
}

/* Addresses that inet_pton(3) takes must come out the same; all others must only do no harm. */
static void addresses(void) {
  static const char letters[] = "0123456789abcdefAF:::::..//  g";
  unsigned char ours[16], theirs[16];
  unsigned prefix;
  srand(1);
  for (int round = 0; round < 300000; round++) {
    char text[40];
    int length = rand() % 30;
    for (int i = 0; i < length; i++) text[i] = letters[rand() % (int)(sizeof letters - 1)];
    text[length] = '\0';
    char *copy = strdup(text);
    bool is_theirs = strchr(text, '.') == NULL && inet_pton(AF_INET6, text, theirs) == 1;
    bool is_ours = parse_ipv6(copy, ours, NULL);
    check(is_ours == is_theirs && (!is_ours || memcmp(ours, theirs, 16) == 0));
    parse_ipv6(copy, ours, &prefix);
    if (inet_pton(AF_INET, text, theirs) == 1) check(parse_ipv4(copy, ours) && memcmp(ours, theirs, 4) == 0);
    else parse_ipv4(copy, ours);
    free(copy);
  }
  check(parse_ipv6("fe80::1/64", ours, &prefix) && prefix == 64);
  check(!parse_ipv6("fe80::1/129", ours, &prefix) && !parse_ipv6("fe80::1/", ours, &prefix));
  check(parse_ipv4("10.0.255.1", ours) && !parse_ipv4("10.0.256.1", ours) && !parse_ipv4("1.2.3.4.5", ours));
}

static void parameters(void) {
  world_file("/proc/cmdline", "quiet name=\"two words\" bare name2=x  last= -- name3=no\n");
  read_kernel_parameters();
  check_text(kernel_parameter("name"), "two words");
  check_text(kernel_parameter("bare"), "");
  check_text(kernel_parameter("name2"), "x");
  check_text(kernel_parameter("last"), "");
  check(kernel_parameter("name3") == NULL && kernel_parameter("nam") == NULL);
}

static void long_parameters(void) {
  static char line[20000];
  memset(line, 'v', 3000);
  memcpy(line, "a=", 2);
  world_file("/proc/cmdline", line);
  read_kernel_parameters();
  check(strlen(kernel_parameter("a")) == 1023);
  memset(line, 'v', sizeof line - 1);
  world_file("/proc/cmdline", line);
  read_kernel_parameters();
  check(kernel_parameter("v") == NULL);
}

const struct test text_tests[] = {
    {"texts are joined up to the last byte of a buffer and not beyond", joins, 0},
    {"numbers are read and written up to their limits", numbers, 0},
    {"a long line is cut where its buffer ends", long_lines, 0},
    {"addresses are those of inet_pton, whatever the text", addresses, 0},
    {"parameters of the kernel are found before the two dashes", parameters, 0},
    {"a kernel's command line longer than the buffers does no harm", long_parameters, 0},
    {NULL, NULL, 0},
};
