"""`manage.py up`: the whole product in one terminal, gone without a trace when it stops.

    keys.py        makes the keys, before Django's settings are read
    preparation.py database, static files, administrator
    broker.py      which broker, and where its socket lies
    services.py    what is started, each with its own environment
    running.py     what was chosen, for the commands that are run beside it
    crew.py        starts, watches, restarts and stops them
    leash.py       on Linux the kernel ends a child whose parent died
    watchdog.py    everywhere: a second process ends what a killed supervisor leaves behind
    console.py     what the person reads

Every process is started with a pipe or a socket from here, and none with a shell.
"""
