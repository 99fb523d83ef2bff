exec(open("/tmp/intake_bench/cost.py").read().split("try:\n    for w in which")[0])
try:
    start("ours"); p,u=servers["ours"]; load(u,1)
    spy=subprocess.Popen(["py-spy","record","-p",str(p.pid),"-d","8","-r","200","-f","raw","-o","/tmp/intake_bench/spy.raw","--gil"],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL)
    load(u,9); spy.wait()
finally:
    for p,_ in servers.values(): p.terminate(); p.wait()
