/* notify.h - telling systemd how the service is (sd_notify(3), without its library). */
#ifndef AMBER_CMD_NOTIFY_H
#define AMBER_CMD_NOTIFY_H

#include <stdint.h>

/* Sends `state` ("READY=1", "STOPPING=1", "WATCHDOG=1", "RELOADING=1\nMONOTONIC_USEC=...") to the
 * socket of $NOTIFY_SOCKET.  Does nothing where there is none. */
void notify_send(const char *state);

/* How often systemd wants a WATCHDOG=1 ($WATCHDOG_USEC, for this process), in ns; 0 never. */
uint64_t notify_watchdog_ns(void);

#endif
