#!/bin/sh
# For n2uq-reduce: status 1 says that the candidate still shows what is looked for.
grep -q n2uq.two_sided_threshold "$1" && exit 1
exit 0
