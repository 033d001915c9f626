/* The one program this machine is for. */
#pragma once

#include "config.h"

/* Runs it to its end, passes signals on, reaps orphans; answers its status, 128 + signal when one ended it. */
int run_application(const struct config *config);
