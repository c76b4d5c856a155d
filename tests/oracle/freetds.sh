#!/usr/bin/env bash
# FreeTDS against the sandbox: a stranger's client. tsql asks, bsqldb prints, freebcp copies a table out and in; what
# comes back must be what went in. Needs freetds-bin; PACRAT is the binary (default: the debug build).
set -euo pipefail
cd "$(dirname "$0")/../.."
pacrat=${PACRAT:-target/debug/pacrat}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
step() { echo "-- $*"; }

export SANDBOX_PASSWORD='Fr33-tds;ß'
"$pacrat" --json sandbox --listen 127.0.0.1:0 --login "sa:@SANDBOX_PASSWORD" >"$work/started" 2>"$work/errors" &
server=$!
for _ in $(seq 100); do
    [ -s "$work/started" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/errors" >&2; fail "the sandbox ended"; }
    sleep 0.1
done
port=$(sed -n 's/.*"address":"[^"]*:\([0-9]*\)".*/\1/p' "$work/started")
[ -n "$port" ] || fail "the sandbox does not say where it listens"

# As FreeTDS speaks by itself, with the login alone encrypted, and with everything encrypted; and an older protocol.
configure() { # encryption, version
    printf '[sandbox]\nhost = 127.0.0.1\nport = %s\ntds version = %s\nencryption = %s\nclient charset = UTF-8\n' \
        "$port" "$2" "$1" >"$work/freetds.conf"
}
export FREETDSCONF=$work/freetds.conf
login=(-S sandbox -U sa -P "$SANDBOX_PASSWORD")

# What tsql answers, without its prompts and its greeting.
ask() { # database, text
    printf '%s\ngo\nexit\n' "$2" | timeout 60 tsql "${login[@]}" -D "$1" -o fhq 2>"$work/tsql.errors" || {
        cat "$work/tsql.errors" >&2
        fail "tsql: $2"
    }
    if grep -q '^Msg' "$work/tsql.errors"; then
        cat "$work/tsql.errors" >&2
        fail "tsql: $2"
    fi
}
expect() { # database, query, lines
    local got
    got=$(ask "$1" "$2")
    [ "$got" = "$3" ] || { diff <(echo "$3") <(echo "$got") >&2 || true; fail "$2"; }
}

for mode in "off 7.4" "request 7.4" "require 7.4" "off 7.3"; do
    step "tsql: encryption ${mode% *}, TDS ${mode#* }"
    configure $mode
    expect master "SELECT 1 AS one, N'žluť' AS two, CAST(NULL AS int) AS three" $'1\tžluť\tNULL'
done
configure request 7.4

step "tsql: a database and a table"
ask master "CREATE DATABASE [free tds]" >/dev/null
table="id int NOT NULL PRIMARY KEY, big bigint NULL, flag bit NOT NULL, amount decimal(18,4) NULL, price money NULL,
 ratio float NULL, code char(4) NULL, name varchar(40) NULL, uname nvarchar(40) NULL, born date NULL,
 stamp datetime NULL, bin varbinary(16) NULL, guid uniqueidentifier NULL, notes nvarchar(max) NULL"
ask "free tds" "CREATE TABLE dbo.people ($table)" >/dev/null
ask "free tds" "CREATE TABLE dbo.people_back ($table)" >/dev/null
ask "free tds" "INSERT INTO dbo.people VALUES
 (1, 9007199254740993, 1, 12345678901234.5678, 922337203685477.5807, 1.5, 'ab', 'plain', N'žluťoučký', '2024-02-29',
  '2024-01-02 03:04:05.123', 0x0102FF, '6F9619FF-8B86-D011-B42D-00C04FC964FF', N'first'),
 (2, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (3, -1, 0, -0.0001, -12.5, -0.25, '', 'x', N'', '0001-01-01', '1753-01-01', 0x, '00000000-0000-0000-0000-000000000000',
  N'')" >/dev/null
for id in $(seq 4 60); do
    echo "INSERT INTO dbo.people (id, flag, name, uname, notes) VALUES ($id, $((id % 2)), 'name $id', N'jméno $id', REPLICATE(N'ř', $((id * 7))))"
done >"$work/inserts.sql"
ask "free tds" "$(cat "$work/inserts.sql")" >/dev/null
expect "free tds" "SELECT COUNT(*), MIN(id), MAX(id), SUM(CAST(flag AS int)) FROM dbo.people" $'60\t1\t60\t29'
expect "free tds" "SELECT TOP 3 id, big, amount, name FROM dbo.people ORDER BY id" \
    $'1\t9007199254740993\t12345678901234.5678\tplain\n2\tNULL\tNULL\tNULL\n3\t-1\t-0.0001\tx'

step "tsql: errors have number, state, class and line"
printf 'SELECT * FROM dbo.missing\ngo\nexit\n' | timeout 60 tsql "${login[@]}" -D "free tds" >"$work/error" 2>&1 || true
grep -q 'Msg 208 (severity 16, state 1)' "$work/error" || { cat "$work/error" >&2; fail "error 208"; }
printf "INSERT INTO dbo.people (id, flag) VALUES (1, 1)\ngo\nexit\n" |
    timeout 60 tsql "${login[@]}" -D "free tds" >"$work/error" 2>&1 || true
grep -q 'Msg 2627 (severity 14, state 1)' "$work/error" || { cat "$work/error" >&2; fail "error 2627"; }
if timeout 60 tsql -S sandbox -U sa -P wrong </dev/null >"$work/error" 2>&1; then fail "a wrong password is let in"; fi
grep -q "Login failed for user 'sa'" "$work/error" || { cat "$work/error" >&2; fail "error 18456"; }

step "bsqldb"
echo "SELECT id, uname FROM dbo.people WHERE id < 3 ORDER BY id" >"$work/query.sql"
timeout 60 bsqldb "${login[@]}" -D "free tds" -i "$work/query.sql" -o "$work/bsqldb" -q -t '|' 2>"$work/error" ||
    { cat "$work/error" >&2; fail "bsqldb"; }
grep -q '1|žluťoučký' "$work/bsqldb" || { cat "$work/bsqldb" >&2; fail "bsqldb's answer"; }

bcp() { # table, direction, file, form
    timeout 120 freebcp "[free tds].dbo.$1" "$2" "$3" "$4" "${login[@]}" ${5:-} >"$work/bcp" 2>&1 ||
        { cat "$work/bcp" >&2; fail "freebcp $1 $2"; }
    # It ends well after an error, too.
    if grep -q '^Msg' "$work/bcp"; then
        cat "$work/bcp" >&2
        fail "freebcp $1 $2"
    fi
}
there_and_back() { # table, form, options of in
    step "freebcp: $1 out and in again, $2 $3"
    bcp "$1" out "$work/$1" "$2"
    ask "free tds" "DELETE FROM dbo.$1_back" >/dev/null
    bcp "$1_back" in "$work/$1" "$2" "$3"
    grep -q "^$4 rows copied" "$work/bcp" || { cat "$work/bcp" >&2; fail "$4 rows"; }
    bcp "$1_back" out "$work/back" "$2"
    cmp "$work/$1" "$work/back" || fail "what came out the second time is not what went in"
}
for batch in "" "-b 7"; do
    there_and_back people -c "$batch" 60
    expect "free tds" "SELECT COUNT(*) FROM dbo.people p JOIN dbo.people_back b ON b.id = p.id
 WHERE p.flag = b.flag AND (p.uname = b.uname OR p.uname IS NULL AND b.uname IS NULL)
 AND (p.notes = b.notes OR p.notes IS NULL AND b.notes IS NULL) AND (p.amount = b.amount OR p.amount IS NULL)" 60
done
# The native form of FreeTDS knows neither NULL nor nvarchar.
numbers="id int NOT NULL PRIMARY KEY, big bigint NOT NULL, small smallint NOT NULL, tiny tinyint NOT NULL,
 flag bit NOT NULL, amount decimal(18,4) NOT NULL, price money NOT NULL, ratio float NOT NULL, single real NOT NULL,
 stamp datetime NOT NULL, day smalldatetime NOT NULL, guid uniqueidentifier NOT NULL, bin varbinary(16) NOT NULL"
ask "free tds" "CREATE TABLE dbo.numbers ($numbers)" >/dev/null
ask "free tds" "CREATE TABLE dbo.numbers_back ($numbers)" >/dev/null
for id in $(seq 500); do
    echo "INSERT INTO dbo.numbers VALUES ($id, $((id * 4294967296)), -$id, $((id % 256)), $((id % 2)), $id.25, -$id.5, $id.125, 0.5,
 '2024-01-02 03:04:05.123', '2024-01-02 03:04', '6F9619FF-8B86-D011-B42D-00C04FC964FF', 0x$(printf %08x "$id"))"
done >"$work/inserts.sql"
ask "free tds" "$(cat "$work/inserts.sql")" >/dev/null
there_and_back numbers -n "" 500
there_and_back numbers -c "-b 100" 500
expect "free tds" "SELECT COUNT(*) FROM dbo.numbers n JOIN dbo.numbers_back b ON b.id = n.id WHERE b.big = n.big
 AND b.small = n.small AND b.amount = n.amount AND b.price = n.price AND b.ratio = n.ratio AND b.bin = n.bin" 500

step "freebcp: a duplicate key loads nothing"
if timeout 60 freebcp "[free tds].dbo.people_back" in "$work/people" -c "${login[@]}" >"$work/bcp" 2>&1 &&
    ! grep -q 'Violation of PRIMARY KEY' "$work/bcp"; then
    cat "$work/bcp" >&2
    fail "the duplicate was not refused"
fi
expect "free tds" "SELECT COUNT(*) FROM dbo.people_back" 60

step "the sandbox ends when it is told"
kill -INT "$server"
wait "$server" || fail "exit code $?"
server=
echo "FreeTDS agrees"
