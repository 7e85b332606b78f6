* A 6T cell with wider pull-downs than SKY130's own (0.28 instead of 0.21 um) and a capacitance of its layout.
* The inverter is a subcircuit of its own; sizes in um.
.subckt my_cell bl blb wl vdd vss
xleft q qb vdd vss my_inverter
xright qb q vdd vss my_inverter
mpass_left bl wl q vss npass w=0.14 l=0.15
mpass_right blb wl qb vss npass w=0.14 l=0.15
cwire q qb 0.02f
.ends

.subckt my_inverter in out vdd vss wn=0.28
mn out in vss vss nlatch w={wn} l=0.15
mp out in vdd vdd platch w=0.14 l=0.15
.ends
