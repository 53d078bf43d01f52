# The front door.  `make` builds build/amber, `make help` lists the rest.  Meson does the building;
# what is needed from Debian 12 stands in packaging/debian-12.packages.

.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

BUILD   ?= build
PREFIX  ?= /usr/local
SECONDS ?= 20
C_FILES  = $(shell git ls-files --cached --others --exclude-standard '*.c' '*.h')

.PHONY: all help deps check demo bench format format-check tidy asan ubsan valgrind fuzz \
	fuzz-replay e2e vm docs-check man install clean dist

all: ## build build/amber (the default)
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --prefix=$(PREFIX) >/dev/null || \
		{ echo "the build cannot be set up; \`make deps\` installs what it needs" >&2; exit 1; }
	@ninja -C $(BUILD) --quiet

help: ## this table
	@awk -v tty="$$([ -t 1 ] && echo yes)" -f tools/help.awk $(MAKEFILE_LIST)

deps: ## install what building, checking, demo and bench need (root, Debian 12)
	@tools/deps

check: ## everything: build, source checks, unit tests, sanitizers, corpora, end to end, docs
	@tools/deps build check
	@tools/check

demo: ## watch an attack on a container, and give its deleted binary back
	@tools/deps build demo
	@$(MAKE) all
	@tools/demo

bench: ## what recording costs, beside its peers, as ratios of one run
	@tools/deps build bench
	@$(MAKE) all
	@bench/run

format: ## rewrite every C file to .clang-format
	@clang-format -i $(C_FILES)

format-check: ## fail when a C file is not as .clang-format writes it
	@clang-format --dry-run -Werror $(C_FILES)

tidy: all ## clang-tidy by .clang-tidy; any warning fails
	@tools/tidy $(BUILD)

asan: ## unit tests and corpora with address and undefined-behaviour sanitizers (build-asan)
	@tools/check asan

ubsan: asan ## the same build: both sanitizers at once

valgrind: ## unit tests and corpora under valgrind
	@tools/check build valgrind

fuzz: ## libFuzzer, SECONDS=20 on each target (build-fuzz)
	@tools/fuzz $(SECONDS)

fuzz-replay: ## feed every corpus to its target
	@tools/check build fuzz-replay

e2e: ## end-to-end tests on real containers; T='NAME...' for some
	@tools/check build
	@tools/e2e $(T)

vm: all ## tests of the kernel programs on Debian's stock kernel, in qemu
	@tools/deps vm
	@tools/vm

docs-check: ## manual pages, links and examples
	@tools/check build docs

man: all ## lint the manual pages and render them to build/man/
	@tools/man $(BUILD)

install: all ## install below PREFIX=/usr/local (DESTDIR= is honoured)
	@meson install -C $(BUILD) --no-rebuild --quiet

clean: ## remove what was built
	@rm -rf build build-asan build-clang build-fuzz

dist: ## build/amber-VERSION.tar.xz of the last commit
	@mkdir -p $(BUILD)
	@version=$$(sed -n "s/^ *version: '\(.*\)',/\1/p" meson.build) && \
		git archive --prefix=amber-$$version/ HEAD | xz -T0 >$(BUILD)/amber-$$version.tar.xz && \
		echo $(BUILD)/amber-$$version.tar.xz
