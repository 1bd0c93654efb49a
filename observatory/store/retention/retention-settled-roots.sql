-- Entry spans that are too old. Those whose trace goes on stay until it is over.
DELETE FROM store.settled_roots WHERE start_ns < $before_ns;
