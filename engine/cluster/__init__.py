"""Pictures on many machines: `deepdream dream --cluster`.

`fleet` gives the pictures of an order to workers, gives them out again where a worker is lost, and tells what
happened; it knows a cluster only as a `Grid`.  `ray_grid` is such a grid: it starts workers on the machines
of a Ray cluster, which `ray_session` connects to, and notices when one is gone.  `worker` is what runs there:
an open model that takes one picture after another.

Files in a store are read and written by the workers.  Those of this machine, which no other can see, travel
as `parcels`: this machine reads and writes them, as without a cluster.

What does not live here: how one picture is dreamed (`engine.batch.jobs`).
"""
