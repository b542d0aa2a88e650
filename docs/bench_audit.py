"""The measuring half of bench-audit.sh: runs programs, and tells their time and the most memory they held."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time


def ended(child, begun):
    """Seconds and MiB of a process, once it has ended, and its exit status."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - begun, usage.ru_maxrss / 1024, child.returncode


def timed(command):
    begun = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = child.stderr.read()
    seconds, memory, status = ended(child, begun)
    # 1 is the audit's answer where a claim did not hold.
    if status not in (0, 1):
        sys.exit(f"{command[0]}: exit status {status}: {complaint.decode(errors='replace')[-500:]}")
    return seconds, memory


def compare(binary, capture, port, rounds, folder):
    size = os.path.getsize(capture) / 1e6
    flows = os.path.join(folder, "flows")
    audit = [binary, "audit", "--quiet", capture]
    tools = {
        "smtpspec audit": audit,
        "smtpspec audit --threads 1": [*audit, "--threads", "1"],
        "tshark": ["tshark", "-q", "-z", "io,stat,0", "-d", f"tcp.port=={port},smtp", "-r", capture],
        "tcpflow": ["tcpflow", "-q", "-r", capture, "-o", flows],
        "cat": ["cat", capture],
    }
    if b"--threads" not in subprocess.run([binary, "audit", "--help"], stdout=subprocess.PIPE, check=True).stdout:
        del tools["smtpspec audit --threads 1"]
        print("this build has no --threads: one core is not measured")
    timed(["cat", capture])
    runs = {name: [] for name in tools}
    # In turn, so that what else the machine does falls on all of them.
    for _ in range(int(rounds)):
        for name, command in tools.items():
            shutil.rmtree(flows, ignore_errors=True)
            runs[name].append(timed(command))
    shutil.rmtree(flows, ignore_errors=True)
    seconds = {name: statistics.median(run[0] for run in all) for name, all in runs.items()}
    ours = seconds["smtpspec audit"]
    print(f"{capture}: {size:.0f} MB, {os.cpu_count()} cores, median of {rounds}")
    print(f"{'':<28}{'seconds':>9}{'MB/s':>8}{'peak MiB':>10}{'ratio':>8}")
    for name, took in seconds.items():
        memory = max(run[1] for run in runs[name])
        print(f"{name:<28}{took:>9.3f}{size / took:>8.0f}{memory:>10.1f}{took / ours:>8.2f}")
    print("ratio: how many times as long as smtpspec audit. Bars: tshark 25, tcpflow 20, one core 1.7; 64 MiB.")
    print("Peaks of about 15 MiB are this script's own, from which the programs are started.")


def pipeline(target, gigabytes, output):
    """The audit at the end of the pipe, and the processes before it."""
    make = subprocess.Popen([f"{target}/examples/synthetic", str(int(float(gigabytes) * 1000))], stdout=subprocess.PIPE)
    pack = subprocess.Popen(["zstd", "-1", "-q", "-c"], stdin=make.stdout, stdout=subprocess.PIPE)
    make.stdout.close()
    audit = [f"{target}/smtpspec", "audit", "--quiet", "--format", "jsonl", "-"]
    child = subprocess.Popen(audit, stdin=pack.stdout, stdout=output, stderr=subprocess.PIPE)
    pack.stdout.close()
    return child, (make, pack)


def lines(path):
    """How many whole objects a file of lines holds, and whether the last of them is the summary."""
    with open(path, encoding="utf-8") as file:
        # A process that is killed may leave a line without its end: that one was not reported.
        whole = [line for line in file if line.endswith("\n")]
    kinds = [json.loads(line).get("type") for line in whole]
    return len(kinds), bool(kinds) and kinds[-1] == "summary"


def big(target, gigabytes):
    path = f"/tmp/smtpspec-big-{os.getpid()}.jsonl"
    try:
        with open(path, "wb") as output:
            begun = time.monotonic()
            child, others = pipeline(target, gigabytes, output)
            complaint = child.stderr.read().decode(errors="replace")
            seconds, memory, status = ended(child, begun)
        for other in others:
            other.wait()
        if status not in (0, 1):
            sys.exit(f"smtpspec: exit status {status}: {complaint[-500:]}")
        reported, summary = lines(path)
        print(f"{gigabytes} GB through zstd: {seconds:.1f} s, {float(gigabytes) * 1000 / seconds:.0f} MB/s, "
              f"peak {memory:.1f} MiB, {reported} lines, summary: {'yes' if summary else 'NO'}")
        with open(path, "wb") as output:
            child, others = pipeline(target, gigabytes, output)
            time.sleep(seconds / 2)
            child.send_signal(signal.SIGKILL)
            child.wait()
        for other in others:
            other.wait()
        kept, summary = lines(path)
        print(f"killed after {seconds / 2:.1f} s: {kept} whole lines were kept, summary: {'yes' if summary else 'no'}")
    finally:
        os.unlink(path)


{"compare": compare, "big": big}[sys.argv[1]](*sys.argv[2:])
