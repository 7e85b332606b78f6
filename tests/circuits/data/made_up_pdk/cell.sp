* A designer's cell: flat PFETs, wrapped NFETs in two equal fingers each, an inverter as a subcircuit of its own, a
* capacitance of the layout.
.subckt inverter in out vp vn wn=0.2
xn1 out in vn vn nch w={wn/2} l=0.15
xn2 vn in out vn nch w='wn/2' l=0.15
mp out in vp vp pch w=0.14 l=0.15 ad=0 as=0 pd=0 ps=0
.ends
.subckt sram_6t wl bit bitb vdd! gnd!
xleft store_b store vdd! gnd! inverter wn=0.42
xright store store_b vdd! gnd! inverter wn=0.42
xa store wl bit gnd! nch_pass w=0.14 l=0.15
xb bitb wl store_b gnd! nch_pass w=0.14 l=0.15
cwire store store_b 0.05f
.ends
