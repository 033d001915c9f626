/* Network devices of the kernel (netdevice(7)). */
#pragma once

#include <linux/if.h>

#include "config.h"

struct ifreq nic_request(const char *device);
long nic_up(long socket, const char *device);
long nic_set_mtu(long socket, const char *device, unsigned mtu);
/* 0 when there is no such device. */
int nic_index(long socket, const char *device);
/* Makes IPv6 addresses of the device usable at once (Linux, Documentation/networking/ip-sysctl, accept_dad). */
void nic_skip_detection(const char *device);
/* Finds the configured nics by their MAC addresses and gives them their names. */
void name_nics(long socket, struct config *config);
