"""Memory, decided in pure code: the ledger of who holds what, the policy of what leaves, the machine, its other tenants,
and the simulator that proves the policy."""
