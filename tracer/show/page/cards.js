// the script's parts for a graph of arrays; each stands in page.js where it is named
//: lives
// where a quantity lives in the drawing: its own cell, or that of the value whose signal, slope, gradient it is
const cells=new Map(all('.c').map(g=>[g.dataset.c,g]));
const cell=q=>{const s=at(base(q));return cells.get(s&&s.dataset.c||base(q))};
const lives=q=>[cell(q)];
//: names
const stated=new Map(all('#stated math').map(m=>[m.dataset.q,m]));
const name=q=>$(q).querySelector('h3').textContent;
// a name as mathematics: as its own step writes it, or as the list of what is stated does
const math=q=>{const v=$(q),m=v?v.querySelector('mtd'):stated.get(q)||stated.get(base(q));if(!m)return D.createTextNode(q);
const e=D.createElementNS('http://www.w3.org/1998/Math/MathML','math');e.append(...[...m.childNodes].map(c=>c.cloneNode(true)));return e};
//: way back
};
//: way
all('.c.on').forEach(g=>g.parentNode.append(g)); // over its neighbours
const own=cell(li.id);if(own)own.parentNode.append(own);const card=g=>g&&g.parentNode.dataset.k,mine=card(own),lit=new Set(all('.c.on').map(card));
all('.r').forEach(r=>{const[a,b]=r.dataset.r.split(' ');r.classList.toggle('on',a==mine&&lit.has(b)||b==mine&&lit.has(a))});
//: scroll
// all that is lit in view, or where that does not fit the number itself; what is in view stays where it is
const seen=all('.c.on').map(g=>g.getBoundingClientRect()),frame=fig.getBoundingClientRect(),own_box=own&&own.getBoundingClientRect();
const off=(low,high)=>{const a=Math.min(...seen.map(r=>r[low])),b=Math.max(...seen.map(r=>r[high])),fits=b-a<frame[high]-frame[low]-8;
const p=fits?a:own_box[low],q=fits?b:own_box[high];return p>=frame[low]&&q<=frame[high]?0:(p+q-frame[low]-frame[high])/2};
if(own){fig.scrollLeft+=off('left','right');fig.scrollTop+=off('top','bottom')}
//: now
const now=$('now'),put=(q,v)=>{const s=D.createElement('span');s.append(math(q),' = '+v);now.append(s,' \u2002 ')};now.textContent='';
const texts=own?[...own.querySelectorAll('[data-q]:not(.later)')]:[];
if(!texts.some(t=>t.dataset.q==base(li.id)))put(li.id,li.dataset.v);
texts.forEach(t=>{const s=at(t.dataset.q);put(s?s.id:t.dataset.q,t.textContent.slice((t.dataset.p||'').length))});
//: click
all('.c').forEach(g=>g.onclick=()=>{const found=f=>L.map((li,i)=>i).filter(i=>f(L[i]));let own=found(li=>cell(li.id)==g);
if(!own.length)own=found(li=>reads(li).some(q=>base(q)==g.dataset.c));if(own.length)go(own.find(i=>i>k)??own[0])});
//: fit
// as large as there is room for, but never so small that its numbers cannot be read: then it is scrolled
const fit=()=>{const room=parseFloat(getComputedStyle(fig).maxHeight),high=svg.viewBox.baseVal.height;
svg.style.width=wide*Math.max(.85,Math.min(1.25,fig.clientWidth/wide,room/high))+'px';
fig.tabIndex=fig.scrollWidth>fig.clientWidth||fig.scrollHeight>fig.clientHeight?0:-1};
D.querySelector('nav').hidden=false;fit();addEventListener('resize',()=>{fit();show(k)});
