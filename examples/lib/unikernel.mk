# What the examples share: `include ../lib/unikernel.mk` after NAME and SOURCES. Builds the kernel into OUT.
# Only for x86-64: PVH, the serial port and the power-off are those of a PC.
LIB := $(dir $(lastword $(MAKEFILE_LIST)))
OUT ?= ../../build/examples/$(NAME)
ifeq ($(origin CC),default)
CC = gcc
endif
STRICT = $(if $(filter-out 0 false,$(CI)),-Werror)

# No vector registers: start.S does not switch them on, and not every virtual machine survives their use.
CFLAGS = -std=c11 -O2 -Wall -Wextra $(STRICT) -ffreestanding -fno-pic -fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fcf-protection=none -m64 -mcmodel=small -mno-red-zone -mgeneral-regs-only -I$(LIB)
LDFLAGS = -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,-s

LIB_SOURCES = acpi.c clock.c cmdline.c console.c interrupts.c memory.c text.c
OBJECTS = $(addprefix $(OUT)/objects/,$(SOURCES:.c=.o)) $(addprefix $(OUT)/objects/lib/,start.o $(LIB_SOURCES:.c=.o))
HEADERS = $(wildcard *.h $(LIB)*.h) Makefile $(LIB)unikernel.mk

$(OUT)/kernel: $(OBJECTS) $(LIB)link.ld
	$(CC) $(LDFLAGS) -T $(LIB)link.ld -o $@.new $(OBJECTS)
	mv $@.new $@

$(OUT)/objects/%.o: %.c $(HEADERS) | $(OUT)/objects/lib
	$(CC) $(CFLAGS) -c -o $@ $<

$(OUT)/objects/lib/%.o: $(LIB)%.c $(HEADERS) | $(OUT)/objects/lib
	$(CC) $(CFLAGS) -c -o $@ $<

$(OUT)/objects/lib/%.o: $(LIB)%.S $(HEADERS) | $(OUT)/objects/lib
	$(CC) $(CFLAGS) -c -o $@ $<

$(OUT)/objects/lib:
	mkdir -p $@

.PHONY: clean
clean:
	rm -rf $(OUT)/objects $(OUT)/kernel
