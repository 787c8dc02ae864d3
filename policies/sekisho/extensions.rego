# What packages under `user` add. It is made anew from their METADATA whenever a policy is read: do not write it by hand.
package sekisho.extensions

declared := {}

results := {}
