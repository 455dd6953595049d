#!/usr/bin/env bash
# Runs a catalog pipeline twice: a messy rent roll into an embedded database.
# The second run follows a change to the file and shows that only it moves.
#   docs/demo.sh [path of tieout]
set -euo pipefail
tieout=$(realpath "${1:-bin/tieout}")
demo=${DEMO:-demo}
rm -rf "$demo"
"$tieout" init "$demo" --from rent_roll
say() { printf '\n== %s\n' "$*"; }

say "Check every file: no network, no secret"
"$tieout" -C "$demo" validate

say "Load the rent roll: prorated to the penny, bad records held with reasons"
"$tieout" -C "$demo" run rent_roll

say "The records that wait for a person"
"$tieout" -C "$demo" quarantine list rent_roll

say "Mend one record, change one rent, run again: only the change moves"
sed -i.bak -e 's/"1,180.00",,,01\/06\/2023/"1,195.00",,,01\/06\/2023/' "$demo/data/property/rent_roll.csv"
"$tieout" -C "$demo" run rent_roll

say "And once more without a change: nothing moves"
"$tieout" -C "$demo" run rent_roll
