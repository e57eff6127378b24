#!/bin/sh
# Reports this machine to Rollcall where the program `rollcall` cannot run. Needs a POSIX sh on Linux or macOS, awk, df, and
# curl or wget. docs/servers.md explains it.
#
#   agent.sh --url URL --key-file FILE [--every SECONDS] [--once]
#   agent.sh --print
#
# The key never stands on a command line, which other users of the machine can read.

set -u
umask 077
LC_ALL=C
export LC_ALL

# Begins the names of interfaces whose traffic also passes a physical one, or does not leave the machine.
virtual='^(lo|veth|docker|br-|virbr|vnet|cni|flannel|cali|tap|tun|wg|dummy|utun|bridge|awdl|llw|gif|stf|anpi)'

note() {
    printf '%s\n' "$1" >&2
}

fail() {
    note "error: $1"
    exit "$2"
}

# --- What each operating system shows. Each function prints one line of numbers, or nothing. ---

# Processor time: all of it, and the idle part, in ticks.
linux_ticks() {
    awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print all, $5 + $6; exit }' /proc/stat
}

# Bytes received and sent by the physical interfaces.
linux_traffic() {
    awk -v virtual="$virtual" 'NR > 2 {
        sub(/^ */, ""); split($0, part, ":"); split(part[2], field, " ")
        if (part[1] !~ virtual) { received += field[1]; sent += field[9] }
    } END { printf "%.0f %.0f\n", received, sent }' /proc/net/dev
}

# Memory and swap in KiB: total, available, total, used.
linux_memory() {
    awk '{ kib[$1] = $2 } END {
        if (kib["MemTotal:"] > 0)
            print kib["MemTotal:"], kib["MemAvailable:"], kib["SwapTotal:"] + 0, kib["SwapTotal:"] - kib["SwapFree:"]
    }' /proc/meminfo
}

linux_load() {
    cut -d ' ' -f 1-3 /proc/loadavg
}

linux_uptime() {
    awk '{ printf "%.0f\n", $1 }' /proc/uptime
}

# macOS counts no ticks for programs. This is the use of the last minute, in percent of all processors.
darwin_cpu() {
    ps -A -o %cpu= | awk -v processors="$(sysctl -n hw.ncpu)" '{ used += $1 } END {
        if (processors > 0) { used /= processors; if (used > 100) used = 100; printf "%.1f\n", used }
    }'
}

darwin_traffic() {
    netstat -ibn | awk -v virtual="$virtual" '$3 ~ /^<Link/ && $1 !~ virtual {
        received += $(NF - 4); sent += $(NF - 1)
    } END { printf "%.0f %.0f\n", received, sent }'
}

darwin_memory() {
    vm_stat | awk -v total="$(sysctl -n hw.memsize)" -v swap="$(sysctl -n vm.swapusage)" '
        /page size of/ { for (i = 1; i <= NF; i++) if ($i == "of") page = $(i + 1) }
        /^Pages (free|inactive|speculative):/ { sub(/\./, "", $NF); pages += $NF }
        function kib(name,    rest) {
            rest = swap
            if (!sub(".*" name " = ", "", rest)) return 0
            return (rest + 0) * 1024
        }
        END {
            if (total > 0)
                printf "%.0f %.0f %.0f %.0f\n", total / 1024, pages * page / 1024, kib("total"), kib("used")
        }'
}

darwin_load() {
    sysctl -n vm.loadavg | awk '{ print $2, $3, $4 }'
}

darwin_uptime() {
    sysctl -n kern.boottime | awk -v now="$(date +%s)" '{
        for (i = 1; i < NF; i++) if ($i == "sec") { sub(/,/, "", $(i + 2)); print now - $(i + 2); exit }
    }'
}

# --- The same for both. ---

# Ends what takes too long, where that is possible.
limited() {
    if command -v timeout > /dev/null; then
        timeout 5 "$@"
    else
        "$@"
    fi
}

# The 16 largest file systems on a device, each once, under its shortest mount point. Not those on other machines, which may not
# answer.
disks() {
    { limited df -klP 2> /dev/null || limited df -kP 2> /dev/null; } | sort -k 2,2nr | awk '
        $2 > 0 && ($1 ~ /^\/dev\// || $6 == "/") && $1 !~ /^\/dev\/loop/ {
            mount = $6
            for (i = 7; i <= NF; i++) mount = mount " " $i
            if (mount ~ /^\/System\/Volumes\// && mount != "/System/Volumes/Data") next
            if (mount ~ /["\\]/ || length(mount) > 100) next
            if ($1 in shortest && length(shortest[$1]) <= length(mount)) next
            if (!($1 in shortest)) order[count++] = $1
            shortest[$1] = mount; total[$1] = $2; used[$1] = $3; available[$1] = $4
        }
        END {
            for (i = 0; i < count && i < 16; i++) {
                device = order[i]
                printf "%s\"%s\":{\"total_kib\":%.0f,\"used_kib\":%.0f,\"used_percent\":%.1f}", separator,
                    shortest[device], total[device], used[device], used[device] * 100 / (used[device] + available[device] + (used[device] + available[device] == 0))
                separator = ","
            }
        }'
}

# Takes the counters of now, for the differences of the next report.
take_counters() {
    ticks_before=$(ticks)
    traffic_before=$(traffic)
    time_before=$(date +%s)
}

ticks() {
    case $kernel in
        Linux) linux_ticks ;;
        Darwin) ;;
    esac
}

traffic() {
    case $kernel in
        Linux) linux_traffic ;;
        Darwin) darwin_traffic ;;
    esac
}

# The use of the processors since the last counters, in percent.
cpu() {
    case $kernel in
        Linux)
            printf '%s %s\n' "$ticks_before" "$(ticks)" | awk 'NF == 4 && $3 > $1 {
                printf "%.1f\n", 100 - ($4 - $2) * 100 / ($3 - $1)
            }'
            ;;
        Darwin) darwin_cpu ;;
    esac
}

# Prints a report as JSON, without the braces around it.
fields() {
    printf '"agent_version":"agent.sh; %s"' "$(uname -srm | tr -d '"\\')"
    cpu | awk 'NF == 1 { printf ",\"cpu\":%s", $1 }'
    memory | awk 'NF == 4 && $1 > 0 {
        used = $1 - $2
        printf ",\"memory\":{\"total_kib\":%.0f,\"used_kib\":%.0f,\"used_percent\":%.1f", $1, used, used * 100 / $1
        if ($3 > 0) printf ",\"swap_total_kib\":%.0f,\"swap_used_kib\":%.0f", $3, $4
        printf "}"
    }'
    mounted=$(disks)
    [ -z "$mounted" ] || printf ',"disk":{%s}' "$mounted"
    load | awk 'NF == 3 { printf ",\"load\":[%s,%s,%s]", $1, $2, $3 }'
    printf '%s %s %s %s\n' "$traffic_before" "$(traffic)" "$time_before" "$(date +%s)" | awk 'NF == 6 && $6 > $5 {
        seconds = $6 - $5; received = $3 - $1; sent = $4 - $2
        if (received >= 0 && sent >= 0)
            printf ",\"network\":{\"in_bytes_per_second\":%.0f,\"out_bytes_per_second\":%.0f}",
                received / seconds, sent / seconds
    }'
    uptime | awk 'NF == 1 { printf ",\"uptime\":%s", $1 }'
}

memory() {
    case $kernel in
        Linux) linux_memory ;;
        Darwin) darwin_memory ;;
    esac
}

load() {
    case $kernel in
        Linux) linux_load ;;
        Darwin) darwin_load ;;
    esac
}

uptime() {
    case $kernel in
        Linux) linux_uptime ;;
        Darwin) darwin_uptime ;;
    esac
}

# --- Sending. ---

# Reads the key from a file: the key alone, or `Authorization: Bearer KEY`.
read_key() {
    [ -r "$1" ] || fail "--key-file: $1 cannot be read" 2
    key=$(awk 'NF { print; exit }' "$1" | tr -d '\r')
    case $key in
        [Aa]uthorization:*) key=$(printf '%s\n' "$key" | awk '{ print $NF }') ;;
    esac
    case $key in
        '' | *[!A-Za-z0-9._~+/=-]*) fail "--key-file: $1 must contain one line with a key" 2 ;;
    esac
    # shellcheck disable=SC2012 # The mode is what only ls prints everywhere.
    case $(ls -ldL "$1" | cut -c 5-10) in
        ------) ;;
        *) note "warning: other users can read $1. Run \`chmod go-rwx $1\`" ;;
    esac
}

# Sends a report. Sets `status` to the HTTP status, 000 without an answer, and `reason` to what is wrong.
send() {
    : > "$folder/answer"
    if command -v curl > /dev/null; then
        status=$(printf 'header = "Authorization: Bearer %s"\n' "$key" | curl -sS -m 10 --config - -o "$folder/answer" \
            -w '%{http_code}' --data-binary "{$1}" "$url/api/v1/server-stats" 2> "$folder/errors")
    else
        # The options of wget are readable, too, but the file with the body is not.
        printf '{"server_key":"%s",%s}' "$key" "$1" > "$folder/body"
        # shellcheck disable=SC2086 # Several options.
        wget -q -S -T 10 $wget_options -O "$folder/answer" --post-file "$folder/body" "$url/api/v1/server-stats" \
            2> "$folder/errors"
        status=$(sed -n 's/.*HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$folder/errors" | tail -n 1)
        status=${status:-000}
    fi
    case $status in
        000 | '') reason=$(tail -n 1 "$folder/errors") ;;
        *)
            detail=$(sed -n 's/.*"detail":"\([^"]*\)".*/\1/p' "$folder/answer")
            reason="$status${detail:+: $detail}"
            ;;
    esac
    # No answer repeats the key; if one did, nothing would show it.
    case $reason in *"$key"*) reason=$status ;; esac
    # A proxy that refuses a request has a page of its own, and may accept the next one.
    case $status in
        401 | 403)
            if [ ! -s "$folder/answer" ] || grep -q '"title"' "$folder/answer"; then
                status=refused
            fi
            ;;
    esac
}

wait_seconds() {
    sleep "$1" &
    sleeper=$!
    wait "$sleeper"
    sleeper=
}

stop() {
    [ -z "$sleeper" ] || kill "$sleeper" 2> /dev/null
    exit 0
}

# Between half and all of a number of seconds, so that agents do not all report at once when Rollcall is up again.
part_of() {
    awk -v most="$1" -v seed="$$" 'BEGIN { srand(seed + most); printf "%d\n", most - most / 2 * rand() }'
}

# --- The command line. ---

url= key_file= every=60 once= print= sleeper= folder=
while [ $# -gt 0 ]; do
    case $1 in
        --once) once=1 ;;
        --print) print=1 ;;
        --url | --key-file | --every)
            [ $# -gt 1 ] || fail "$1 needs a value" 2
            case $1 in
                --url) url=${2%/} ;;
                --key-file) key_file=$2 ;;
                --every) every=$2 ;;
            esac
            shift
            ;;
        *) fail "unknown option. Usage: agent.sh --url URL --key-file FILE [--every SECONDS] [--once] [--print]" 2 ;;
    esac
    shift
done
case $every in
    '' | *[!0-9]*) fail '--every must be a number of seconds, at least 5. Example: --every 60' 2 ;;
esac
[ "$every" -ge 5 ] || fail '--every must be a number of seconds, at least 5. Example: --every 60' 2

kernel=$(uname -s)
case $kernel in
    Linux | Darwin) ;;
    *) fail "agent.sh knows Linux and macOS, not $kernel" 2 ;;
esac

if [ -n "$print" ]; then
    take_counters
    sleep 1
    printf '{%s}\n' "$(fields)"
    exit 0
fi

[ -n "$key_file" ] || fail '--key-file is missing: the file with the key of the server' 2
case $url in
    https://?* | http://?*) ;;
    *) fail '--url must be the address of Rollcall. Example: --url https://rollcall.example.org' 2 ;;
esac
case $url in
    https://* | http://localhost[:/]* | http://localhost | http://127.* | http://\[::1\]* | http://10.* | http://192.168.*) ;;
    *) note "warning: the key is sent unencrypted to $url. Use an https:// address" ;;
esac
wget_options=
if ! command -v curl > /dev/null; then
    command -v wget > /dev/null || fail 'neither curl nor wget is installed' 1
    # The wget of BusyBox tries once anyway, and has no such option.
    ! wget --version > /dev/null 2>&1 || wget_options='-t 1 --content-on-error'
fi
read_key "$key_file"
folder=$(mktemp -d) || fail 'no temporary folder can be created' 1
trap 'rm -rf "$folder"' EXIT
trap stop TERM INT

take_counters
sleep 1
[ -n "$once" ] || note "Reporting to $url every $every s."
failing= longest=5
while :; do
    report=$(fields)
    take_counters
    send "$report"
    case $status in
        2??)
            [ -z "$failing" ] || note 'Rollcall accepts reports again.'
            [ -z "$once" ] || exit 0
            failing= longest=5
            pause=$every
            ;;
        refused)
            fail "Rollcall refuses the key: $reason. Create a new one with \`/server rotate_key\` in Discord and save it to the key file" 2
            ;;
        *)
            [ -z "$once" ] || fail "Rollcall did not accept the report: $reason" 1
            [ -n "$failing" ] || note "Rollcall does not accept reports: $reason. Trying again, with growing pauses."
            failing=1
            pause=$(part_of "$longest")
            longest=$((longest * 2))
            [ "$longest" -le 300 ] || longest=300
            ;;
    esac
    wait_seconds "$pause"
done
