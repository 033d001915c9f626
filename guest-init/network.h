/* The network, as the kernel's command line and the configuration have it. */
#pragma once

#include "config.h"

/*
 * Brings up `lo`. Does what `ip=ADDRESS::GATEWAY:MASK:HOST:DEVICE:off` asks for when the kernel has not (it lacks
 * IP_PNP), adds the default route by device of URUNIT_DEFROUTE, and writes /etc/resolv.conf for the name servers.
 */
void set_up_network(const struct config *config, bool device_route);
