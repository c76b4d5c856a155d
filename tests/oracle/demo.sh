#!/usr/bin/env bash
# The demo as a person meets it: in a terminal (tmux) of 80x24 and of 200x50, without colour, and without UTF-8. Back up
# a tenant, watch it, restore it under the suggested name, verify, look at rows, cancel a backup in the middle, quit;
# then a terminal that is too small, changes its size, is lost; Ctrl-C, a paste, a killed demo, a tenant with an emoji.
# After each: exit code 0, nothing left in $TMPDIR, no process left.
#
#     tests/oracle/demo.sh [--show] [SCENE...]      PACRAT is the binary (default: the debug build)
#
# Needs tmux; installs it from Debian where it may. Without it: a failure where CI is set, else SKIPPED.
set -euo pipefail
cd "$(dirname "$0")/../.."
pacrat=$(realpath "${PACRAT:-target/debug/pacrat}")
show=
[ "${1:-}" != --show ] || { show=1; shift; }
scenes=${*:-small large nocolour ascii odd lost killed emoji restores}

if ! command -v tmux >/dev/null; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    { $as_root apt-get -qq update && DEBIAN_FRONTEND=noninteractive $as_root apt-get -qq install -y --no-install-recommends tmux; } >/dev/null 2>&1 || true
    if ! command -v tmux >/dev/null; then
        echo "tests/oracle/demo.sh needs tmux, and it could not be installed" >&2
        [ -z "${CI:-}" ] || exit 1
        echo "SKIPPED: tests/oracle/demo.sh" >&2
        exit 0
    fi
fi

work=$(mktemp -d)
server=pacrat-demo-$$
tm() { tmux -L "$server" -f /dev/null "$@"; }
sandbox=
trap 'tm kill-server 2>/dev/null || true; [ -z "$sandbox" ] || kill "$sandbox" 2>/dev/null || true; rm -rf "$work"' EXIT
scene=

screen() { tm capture-pane -p -t demo 2>/dev/null || true; }
fail() {
    echo "FAILED in $scene: $*" >&2
    screen >&2
    exit 1
}
picture() { # title
    [ -z "$show" ] || { printf '\n=== %s: %s\n' "$scene" "$1"; screen; }
}

# Waits until the screen has a line that matches. Generous: this may be a debug build on a busy machine.
see() { # regular expression, [seconds]
    local until=$((SECONDS + ${2:-120}))
    while ! screen | grep -qE -- "$1"; do
        [ $SECONDS -lt $until ] || fail "the screen never showed: $1"
        [ -n "$(tm display -p -t demo '#{?pane_dead,,alive}' 2>/dev/null)" ] || fail "it ended before the screen showed: $1"
        sleep 0.2
    done
}
unseen() { # regular expression
    if screen | grep -qE -- "$1"; then fail "the screen shows: $1"; fi
}
keys() { tm send-keys -t demo "$@"; sleep 0.2; }

# Starts pacrat in a terminal of its own, with a TMPDIR of its own.
start() { # width, height, variables as NAME=VALUE..., --, arguments
    local width=$1 height=$2
    shift 2
    local variables=()
    while [ "$1" != -- ]; do variables+=("$1"); shift; done
    shift
    rm -rf "$work/tmp" && mkdir -p "$work/tmp" "$work/home"
    rm -f "$work/pid" "$work/pid.code"
    tm kill-server 2>/dev/null || true
    local program
    printf -v program '%q ' env -u LC_ALL -u LC_CTYPE -u NO_COLOR "TMPDIR=$work/tmp" "HOME=$work/home" TERM=tmux-256color \
        LANG=C.UTF-8 "${variables[@]}" sh -c 'start=$1; shift; sh -c "$start" "$0" "$@"; echo $? >"$0.code"' "$work/pid" \
        'echo $$ >"$0"; exec "$@"' "$pacrat" "$@"
    # The server before may still be about to end.
    for _ in $(seq 20); do
        tm new-session -d -s demo -x "$width" -y "$height" "$program" \; set -g remain-on-exit on \; set -g status off 2>/dev/null && break
        sleep 0.3
    done
    for _ in $(seq 50); do [ -s "$work/pid" ] && break; sleep 0.1; done
    pid=$(cat "$work/pid")
    # The servers' rows lie in memory, where the system has a place for that.
    folders=$work/folders
    : >"$folders"
}
note_folders() { ls -l "/proc/$pid/fd" 2>/dev/null | grep -oE '/dev/shm/pacrat-sandbox-[A-Za-z0-9]+' | sort -u >"$folders" || true; }

# Whether the process works; one that only waits to be reaped has ended.
alive() {
    case $(ps -o stat= -p "$pid" 2>/dev/null) in '' | Z*) return 1 ;; esac
}

# It has ended by itself, well, and left nothing.
ended() { # exit code
    local until=$((SECONDS + 60))
    while alive; do
        if [ $SECONDS -ge $until ]; then
            ps -L -o pid,tid,stat,wchan:32,time,comm -p "$pid" >&2
            fail "the process is still there"
        fi
        sleep 0.1
    done
    if [ -n "${1:-}" ]; then
        # By the shell that waits for it: tmux does not always learn how its own child ended.
        for _ in $(seq 50); do [ -s "$work/pid.code" ] && break; sleep 0.1; done
        local code
        code=$(cat "$work/pid.code" 2>/dev/null || true)
        [ "$code" = "$1" ] || fail "exit code ${code:-none}, not $1"
    fi
    local left
    left=$(ls -A "$work/tmp")
    [ -z "$left" ] || fail "left in TMPDIR: $left"
    while read -r folder; do
        [ ! -e "$folder" ] || fail "left: $folder"
    done <"$folders"
    left=$(ps -eo pid=,args= | awk -v p="$pacrat" '$2 == p && $3 == "demo"' | grep -w "$pid" || true)
    [ -z "$left" ] || fail "a process is left: $left"
}

words() { tm send-keys -t demo -l "$1"; sleep 0.2; }

# pacrat with the configuration of the sandbox below.
own() { "$pacrat" --data-dir "$work/own/data" "$@"; }

# A sandbox, a configuration that knows it, a database in it with users, and a backup of that.
a_club_in_a_sandbox() {
    rm -rf "$work/own" && mkdir -p "$work/own" "$work/home"
    "$pacrat" sandbox --listen 127.0.0.1:0 --login operator:@BOX_WORD --login warden:@BOX_WORD >"$work/own/said" 2>&1 &
    sandbox=$!
    for _ in $(seq 100); do grep -q 'listens at' "$work/own/said" && break; sleep 0.1; done
    local port
    port=$(sed -nE 's/.*listens at +127\.0\.0\.1:([0-9]+).*/\1/p' "$work/own/said")
    [ -n "$port" ] || fail "the sandbox does not listen: $(cat "$work/own/said")"
    cat >"$work/own/config.toml" <<TOML
[servers.box]
host = "127.0.0.1"
port = $port
login = "operator"
password_env = "BOX_WORD"
trust_certificate = true
[tenants.club]
server = "box"
database = "Club"
[tenants.copy]
server = "box"
database = "Co]py"
[stores.local]
path = "store"
TOML
    own restore tests/packages/club.bacpac --to box --database Club --quiet >/dev/null
    own backup club --quiet >/dev/null
}

# The whole way. $1: a tick as the terminal can show it, for what is good.
the_whole_way() {
    local good=$1
    see "5 tenants" && see "$good good +cornflower" && see "failed +lawfirm" && see "never +newcomer"
    see "failed +#10 backup lawfirm" && see 'Cannot open database "lawfirm"'
    note_folders
    [ -s "$folders" ] || [ ! -d /dev/shm ] || fail "the servers' rows were not found"
    picture "the first screen"

    keys j && see "Backups of cornflower 4"
    keys b && see "#11 backup cornflower is queued|(running|starting|queued) +#11 backup cornflower" && see " [1-9][0-9]? %"
    picture "a backup at work"
    see "completed +#11 backup cornflower +250,070 rows" && see "Backups of cornflower 5"
    see "_20[0-9]{12}.bacpac +Manual +(just )?now .*250,070 $good rows"
    picture "it is complete, verified and on top"

    keys r && see "Restore into a new database" && see "shop_cornflower_20[0-9]{6}_restore" && see "free on north"
    picture "the restore, its name suggested and checked"
    keys Enter && see "(running|starting|queued) +#12 restore shop_cornflower"
    see "completed +#12 restore shop_cornflower.* 250,070 rows"
    picture "restored"

    keys v && see "completed +#13 verify cornflower.* 250,070 rows"
    keys Tab && keys Enter && see "Tables 6" && see "sales.ReceiptLine +[0-9,]+"
    picture "inside the backup"
    keys G && keys Enter && see "row 1 of [0-9,]+  column 1 of"
    picture "rows"
    keys End && see "row [0-9,]+ of [0-9,]+  column 1 of" && keys Enter && see "^ Remark +"
    keys Escape && keys Escape && keys Escape && see "Backups of cornflower 5"

    keys b && see "running +#14 backup cornflower.* [1-9][0-9]? %" && keys Tab && keys Home
    see "running +#14"
    keys x && see "y +yes" && keys y
    see "cancelled +#14 backup cornflower" && see "Backups of cornflower 5"
    picture "cancelled in the middle"

    keys '?' && see "Cancel the chosen job" && keys Escape
    keys q
    ended 0
}

for scene in $scenes; do
    began=$SECONDS
    case $scene in
    small)
        start 80 24 -- demo
        the_whole_way ✓
        ;;
    large)
        start 200 50 -- demo
        the_whole_way ✓
        ;;
    nocolour)
        start 80 24 NO_COLOR=1 -- demo
        see "5 tenants" && see "✓ good +cornflower"
        if tm capture-pane -p -e -t demo | grep -qE $'\x1b\\[([0-9;]*;)?(3[0-7]|4[0-7]|9[0-7]|38|48)(;|m)'; then
            fail "a colour is shown although NO_COLOR is set"
        fi
        the_whole_way ✓
        ;;
    ascii)
        start 80 24 LANG=C -- demo
        see "5 tenants" && see "O'Brien & S"
        if screen | LC_ALL=C grep -qP '[^\x00-\x7f]'; then fail "a character beyond ASCII is shown in LANG=C"; fi
        the_whole_way '\+'
        ;;
    odd)
        # Too small, then resized while a job runs; a paste into the name; a Ctrl-C that asks, and one that leaves.
        start 20 5 -- demo
        see "." 60
        picture "too small"
        tm resize-window -t demo -x 100 -y 30 && see "5 tenants" && see "cornflower"
        keys j && see "Backups of cornflower 4" && keys b && see "#11 backup cornflower"
        for size in "40 10" "200 50" "10 3" "1 1" "132 24" "80 24"; do
            tm resize-window -t demo -x "${size% *}" -y "${size#* }"
            sleep 0.3
            kill -0 "$pid" || fail "it ended at $size"
        done
        see "#11 backup cornflower" && see "q quit"
        see "completed +#11 backup cornflower"
        keys r && see "Restore into a new database" && keys C-u
        tm set-buffer $'a name\nwith a line end and 🐀' && tm paste-buffer -p -t demo && see "a name"
        kill -0 "$pid" || fail "a paste ended it"
        picture "a paste"
        keys Escape && see "q +quit" && keys b && see "(running|starting|queued) +#12"
        keys C-c && see "is not done yet" && picture "Ctrl-C asks" && keys c
        ended 0
        ;;
    lost)
        # The terminal goes away while a backup runs: the demo ends by itself and cleans up.
        start 80 24 -- demo
        see "5 tenants" && keys j && see "Backups of cornflower 4" && keys b && see "running +#11"
        note_folders
        tm kill-session -t demo
        ended
        start 80 24 -- demo
        see "5 tenants" && note_folders && kill -TERM "$pid"
        ended 0
        ;;
    killed)
        # Nothing can be cleaned up by whoever is killed: the next start does it, and leaves a living one alone.
        start 80 24 -- demo
        see "✓ good +cornflower" && note_folders && [ -s "$folders" ] || fail "no folders"
        killed=$(cat "$folders")
        kept=$(ls -d "$work"/tmp/pacrat-demo-*)
        mv "$work/tmp" "$work/kept" && kill -9 "$pid"
        kept=$work/kept/${kept##*/}
        [ -d "$kept" ] || fail "the killed demo left nothing to clean up"
        start 80 24 "TMPDIR=$work/kept" -- demo
        see "✓ good +cornflower" && note_folders
        [ ! -e "$kept" ] || fail "a killed demo's folder is still there"
        for folder in $killed; do [ ! -e "$folder" ] || fail "still there: $folder"; done
        living=$(ls -d "$work"/kept/pacrat-demo-*)
        TMPDIR=$work/kept timeout 20 script -qec "$pacrat demo" /dev/null >/dev/null 2>&1 </dev/null || true
        [ -d "$living" ] || fail "a living demo's folder was removed by another one"
        keys q
        ended 0
        rm -rf "$work/kept"
        ;;
    emoji)
        # The dashboard on a configuration of one's own: names of every sort, a server that is not there.
        mkdir -p "$work/home"
        cat >"$work/config.toml" <<'TOML'
[servers.gone]
host = "127.0.0.1"
port = 1
login = "sa"
password_env = "NO_SECRET_OF_ANYBODY"
connect_timeout = 2
[tenants."🐀 Ratte & Söhne 👨‍👩‍👧"]
server = "gone"
[tenants."ไทย 中文 עברית"]
server = "gone"
[tenants.plain]
server = "gone"
TOML
        for size in "80 24" "200 50" "40 12"; do
            start ${size% *} ${size#* } NO_SECRET_OF_ANYBODY=hunter2hunter2 "PACRAT_CONFIG=$work/config.toml" -- --data-dir "$work/tmp/data"
            see "Tenants 3" && see "🐀" && see "plain"
            keys b && see "#1 backup plain FAILED" && see "plain  +– ✗|plain .*gone|failed +plain"
            picture "$size"
            unseen hunter2
            keys Enter
            sleep 0.5
            keys Escape && keys q
            rm -rf "$work/tmp/data"
            ended 0
        done
        ;;
    restores)
        # What the dialog of a restore was told arrives in the database: a login for a user, some tables, the schema
        # alone, a database that is there, tables under other names. The server's own word is asked for by a backup.
        export BOX_WORD=Rat-and-tail-7 PACRAT_CONFIG=$work/own/config.toml
        for size in "80 24" "200 50"; do
            a_club_in_a_sandbox
            start ${size% *} ${size#* } "BOX_WORD=$BOX_WORD" "PACRAT_CONFIG=$PACRAT_CONFIG" -- --data-dir "$work/own/data"
            see "Tenants 2" && see "✓ good +club" && see "Backups of club 1"
            # A login for porter, typed in part and completed; two tables ticked and taken back; the preview.
            keys r && see "free on box" && keys C-u && words 'Co]py' && see "free on box"
            keys Tab Tab Space && see "‹ as in the file ›" && keys Tab Tab Tab Left && see "nobody's yet"
            keys Tab Enter && see "porter +→" && keys Down && words wa && keys Tab && see "porter +→ warden .*✓ is there"
            picture "logins ($size)"
            keys Enter && see "porter → warden" && keys Up Up Enter && see "everything is restored"
            keys Space Space && see "2 of 3, and nothing else" && keys Enter && see "2 of 3: dbo.Member, dbo.Visit"
            keys Enter a a Enter && see "all of them \(3\)"
            picture "filled in ($size)"
            keys C-p && see "chosen +logins porter = warden" && see "Would load 17 rows"
            picture "the preview ($size)"
            keys Enter && see "completed +#[0-9]+ restore Co\]py +17 rows"

            # Into what is there: a slip of the hand, refused for its tables, then under other names.
            keys r && see "free on box" && keys C-u && words 'Co]py' && see "nothing is overwritten"
            keys Enter && words 'Co]p' && keys Enter && see '"Co\]p" was typed to restore into "Co\]py"'
            words y && keys C-p && see "REFUSED: the database has already: dbo.Member"
            picture "a conflict ($size)"
            keys Escape && see "Conflict +\[ \]" && keys Tab Space C-p && see "Member_restored_" && keys Enter
            see "completed +#[0-9]+ restore Co\]py +17 rows.*now"
            keys q
            ended 0
            own backup copy --quiet >/dev/null
            newest=$(own list copy | grep -oE 'copy_[0-9]{14}\.bacpac' | head -1)
            own script "$newest" | grep -qF 'CREATE USER [porter] FOR LOGIN [warden]' ||
                fail "porter has another login: $(own script "$newest" | grep 'CREATE USER')"
            # What was there before has not grown.
            own inspect "$newest" | grep -qE 'dbo.Member +4 ' || fail "dbo.Member: $(own inspect "$newest")"
            own inspect "$newest" | grep -qE 'dbo.Member_restored_[0-9]+ +4 ' || fail "no table under another name"
            kill "$sandbox" && wait "$sandbox" 2>/dev/null || true
            sandbox=
        done
        unset BOX_WORD PACRAT_CONFIG
        ;;
    *) fail "there is no such scene" ;;
    esac
    echo "-- demo: $scene ($((SECONDS - began)) s)"
done
echo "the demo is as promised"
